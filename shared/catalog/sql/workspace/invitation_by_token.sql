-- The invitation of a token, whatever became of it, with the name of its organisation. Parameter: token_hash.
SELECT id, organisation_id, email, role, language, invited_by, created_at, sent_at, expires_at, accepted_at, accepted_by, revoked_at,
    (SELECT name FROM organisations WHERE organisations.id = invitations.organisation_id) AS organisation_name
FROM invitations WHERE token_hash = %(token_hash)s

-- Give an open invitation a new token and time; the old link ends. Parameters: organisation_id, id, token_hash, hours.
UPDATE invitations SET token_hash = %(token_hash)s, sent_at = now(), expires_at = now() + make_interval(hours => %(hours)s)
WHERE organisation_id = %(organisation_id)s AND id = %(id)s AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING id, organisation_id, email, role, language, invited_by, created_at, sent_at, expires_at, accepted_at, accepted_by, revoked_at

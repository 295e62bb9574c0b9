-- Invite an address; no row where an invitation of it is open. Parameters: id, organisation_id, email, role, language,
-- token_hash, invited_by, hours.
INSERT INTO invitations (id, organisation_id, email, role, language, token_hash, invited_by, expires_at)
VALUES (%(id)s, %(organisation_id)s, %(email)s, %(role)s, %(language)s, %(token_hash)s, %(invited_by)s,
    now() + make_interval(hours => %(hours)s))
ON CONFLICT (organisation_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL DO NOTHING
RETURNING id, organisation_id, email, role, language, invited_by, created_at, sent_at, expires_at, accepted_at, accepted_by, revoked_at

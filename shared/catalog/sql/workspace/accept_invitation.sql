-- Use an invitation up, once; no row where it is used up, revoked or over. Parameters: token_hash, user_id.
UPDATE invitations SET accepted_at = now(), accepted_by = %(user_id)s
WHERE token_hash = %(token_hash)s AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()
RETURNING id, organisation_id, email, role, language, invited_by, created_at, sent_at, expires_at, accepted_at, accepted_by, revoked_at

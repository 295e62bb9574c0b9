-- End an open invitation. Parameters: organisation_id, id.
UPDATE invitations SET revoked_at = now()
WHERE organisation_id = %(organisation_id)s AND id = %(id)s AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING id, organisation_id, email, role, language, invited_by, created_at, sent_at, expires_at, accepted_at, accepted_by, revoked_at

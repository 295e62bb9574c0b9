-- End the expired invitation of an address, so that a new one can take its place. Parameters: organisation_id, email.
UPDATE invitations SET revoked_at = now()
WHERE organisation_id = %(organisation_id)s AND email = %(email)s AND accepted_at IS NULL AND revoked_at IS NULL
    AND expires_at <= now()

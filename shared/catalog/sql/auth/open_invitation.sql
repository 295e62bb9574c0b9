-- An invitation of an address that can be accepted. Parameter: email (lower case).
SELECT id FROM invitations
WHERE lower(email) = %(email)s AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now() LIMIT 1

-- The invitations of an organisation in order of their ids, all or one. Parameters: organisation_id, id (or null),
-- after, most.
SELECT id, organisation_id, email, role, language, invited_by, created_at, sent_at, expires_at, accepted_at, accepted_by, revoked_at
FROM invitations
WHERE organisation_id = %(organisation_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s)
    AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(most)s

-- The members of an organisation in order of their ids, all or one. Parameters: organisation_id, user_id (or null),
-- after, most.
SELECT users.id AS user_id, users.email, users.name, memberships.role, memberships.created_at AS joined_at
FROM memberships JOIN users ON users.id = memberships.user_id
WHERE memberships.organisation_id = %(organisation_id)s
    AND (%(user_id)s::uuid IS NULL OR users.id = %(user_id)s)
    AND (%(after)s::uuid IS NULL OR users.id > %(after)s)
ORDER BY users.id LIMIT %(most)s

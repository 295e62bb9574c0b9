-- The organisations somebody is a member of, with their role, in order of their ids. Parameters: user_id, after, most.
SELECT organisations.id, organisations.name, memberships.role, organisations.created_at
FROM memberships JOIN organisations ON organisations.id = memberships.organisation_id
WHERE memberships.user_id = %(user_id)s AND (%(after)s::uuid IS NULL OR organisations.id > %(after)s)
ORDER BY organisations.id LIMIT %(most)s

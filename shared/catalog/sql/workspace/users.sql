-- The members of the organisations somebody administers, each once with their roles there, in order of their ids.
-- Parameters: administrator, organisation_id (or null), search ('' for all: part of the address or name), id (or null),
-- after, most.
SELECT users.id, users.email, users.name, users.created_at, users.blocked_at,
    array_agg(theirs.organisation_id::text || ' ' || theirs.role ORDER BY theirs.organisation_id) AS memberships
FROM users
JOIN memberships AS theirs ON theirs.user_id = users.id
JOIN memberships AS mine ON mine.organisation_id = theirs.organisation_id
    AND mine.user_id = %(administrator)s AND mine.role IN ('owner', 'admin')
WHERE (%(organisation_id)s::uuid IS NULL OR theirs.organisation_id = %(organisation_id)s)
    AND (%(id)s::uuid IS NULL OR users.id = %(id)s)
    AND (%(search)s = '' OR strpos(lower(users.email || ' ' || users.name), lower(%(search)s)) > 0)
    AND (%(after)s::uuid IS NULL OR users.id > %(after)s)
GROUP BY users.id ORDER BY users.id LIMIT %(most)s

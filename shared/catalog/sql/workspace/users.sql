-- The members of the organisations somebody administers, each once with their roles there, whether
-- they have a second factor, when they signed in last and in how many sessions they are signed in now, and (`holdings`)
-- every role they hold anywhere with the asker's there, in order of their ids.
-- Parameters: administrator, organisation_id (or null), search ('' for all: part of the address or name), id (or null),
-- after, most.
SELECT users.id, users.email, users.name, users.created_at, users.blocked_at,
    users.totp_confirmed_at IS NOT NULL AS second_factor,
    (SELECT max(sessions.created_at) FROM sessions WHERE sessions.user_id = users.id) AS last_sign_in_at,
    (SELECT count(*) FROM sessions
     WHERE sessions.user_id = users.id AND sessions.revoked_at IS NULL AND sessions.expires_at > now()) AS sessions,
    (SELECT array_agg(held.role || ' ' || coalesce(asking.role, '')) FROM memberships AS held
     LEFT JOIN memberships AS asking
         ON asking.organisation_id = held.organisation_id AND asking.user_id = %(administrator)s
     WHERE held.user_id = users.id) AS holdings,
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

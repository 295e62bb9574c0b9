-- The organisation somebody has been a member of for longest, no row for none. Parameter: user_id.
SELECT organisation_id FROM memberships WHERE user_id = %(user_id)s ORDER BY created_at, organisation_id LIMIT 1

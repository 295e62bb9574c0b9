-- How many other owners an organisation has who can sign in. Parameters: organisation_id, user_id.
SELECT count(*) AS owners FROM memberships JOIN users ON users.id = memberships.user_id
WHERE memberships.organisation_id = %(organisation_id)s AND memberships.role = 'owner'
    AND users.blocked_at IS NULL AND users.id <> %(user_id)s

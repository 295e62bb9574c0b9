-- The member with this address. Parameters: organisation_id, email.
SELECT memberships.user_id FROM memberships JOIN users ON users.id = memberships.user_id
WHERE memberships.organisation_id = %(organisation_id)s AND lower(users.email) = %(email)s

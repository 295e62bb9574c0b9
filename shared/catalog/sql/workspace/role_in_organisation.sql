-- The role somebody has in an organisation, no row for who is no member. Parameters: organisation_id, user_id.
SELECT role FROM memberships WHERE organisation_id = %(organisation_id)s AND user_id = %(user_id)s

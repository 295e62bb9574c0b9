-- End a membership. Parameters: organisation_id, user_id.
DELETE FROM memberships WHERE organisation_id = %(organisation_id)s AND user_id = %(user_id)s RETURNING user_id, role

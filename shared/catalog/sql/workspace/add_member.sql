-- Make somebody a member; no row where they are one. Parameters: organisation_id, user_id, role.
INSERT INTO memberships (organisation_id, user_id, role) VALUES (%(organisation_id)s, %(user_id)s, %(role)s)
ON CONFLICT (organisation_id, user_id) DO NOTHING RETURNING user_id, role

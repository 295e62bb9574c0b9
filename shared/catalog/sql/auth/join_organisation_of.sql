-- Make somebody an owner of the organisation a project belongs to. Parameters: user_id, project_id.
INSERT INTO memberships (organisation_id, user_id, role)
SELECT organisation_id, %(user_id)s, 'owner' FROM projects WHERE id = %(project_id)s
ON CONFLICT (organisation_id, user_id) DO UPDATE SET role = 'owner'

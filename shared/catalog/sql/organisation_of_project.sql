-- Whose a project is. Parameters: project_id.
SELECT organisation_id FROM projects WHERE id = %(project_id)s

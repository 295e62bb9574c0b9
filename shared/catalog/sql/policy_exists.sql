-- Whether a project has that escalation policy. Parameters: id, project_id.
SELECT id FROM policies WHERE id = %(id)s AND project_id = %(project_id)s

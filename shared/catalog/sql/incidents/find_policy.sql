-- A policy of a project. Parameters: id, project_id.
SELECT id, project_id, name, policy, created_at, updated_at FROM policies WHERE id = %(id)s AND project_id = %(project_id)s

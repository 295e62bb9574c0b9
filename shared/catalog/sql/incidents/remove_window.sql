-- Remove a maintenance window. Parameters: id, project_id.
DELETE FROM maintenance_windows WHERE id = %(id)s AND project_id = %(project_id)s RETURNING id

-- Remove a reference table. Parameters: project_id, name.
DELETE FROM reference_tables WHERE project_id = %(project_id)s AND name = %(name)s RETURNING name

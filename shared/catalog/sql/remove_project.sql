-- End a project and its keys; its events are the warehouse's. Parameter: project_id.
WITH keys AS (DELETE FROM api_keys WHERE project_id = %(project_id)s)
DELETE FROM projects WHERE id = %(project_id)s RETURNING id

-- Parameters: id, project_id.
DELETE FROM event_schemas WHERE id = %(id)s AND project_id = %(project_id)s RETURNING id

-- Remove a note. Parameters: id, project_id.
DELETE FROM annotations WHERE id = %(id)s AND project_id = %(project_id)s RETURNING id

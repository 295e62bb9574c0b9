-- Change a note. Parameters: id, project_id, at, text.
UPDATE annotations SET at = %(at)s, text = %(text)s, updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, at, text, created_by, created_at, updated_at

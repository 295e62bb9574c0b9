-- Keep a note. Parameters: id, project_id, at, text, by.
INSERT INTO annotations (id, project_id, at, text, created_by)
VALUES (%(id)s, %(project_id)s, %(at)s, %(text)s, %(by)s)
RETURNING id, project_id, at, text, created_by, created_at, updated_at

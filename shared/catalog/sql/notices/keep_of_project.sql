-- Keep a notice of a project once. Parameters: project_id, key, kind, least_role, data.
INSERT INTO notices (project_id, key, kind, least_role, data)
SELECT id, %(key)s, %(kind)s, %(least_role)s, %(data)s FROM projects WHERE id = %(project_id)s
ON CONFLICT DO NOTHING
RETURNING seq

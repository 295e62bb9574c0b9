-- What people said last of their consent. Parameters: project_id, people (hashes).
SELECT state, source, changed_at FROM consents
WHERE project_id = %(project_id)s AND person = ANY(%(people)s::bytea[])
ORDER BY version DESC

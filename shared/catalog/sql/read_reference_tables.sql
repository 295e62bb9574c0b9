-- The content of a project's reference tables, by name, but for versions known already. Parameters: project_id, known.
SELECT name, field, version, content
FROM reference_tables
WHERE project_id = %(project_id)s AND version <> ALL(%(known)s::uuid[])
ORDER BY name

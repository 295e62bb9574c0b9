-- A project's reference tables without their content, by name. Parameter: project_id.
SELECT name, field, version, row_count, updated_at
FROM reference_tables
WHERE project_id = %(project_id)s
ORDER BY name

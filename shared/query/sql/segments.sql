-- A project's segments as they were written last. Parameter: project.
SELECT toString(segment_id), name, version, definition
FROM segments FINAL
WHERE project_id = {project:UUID} AND definition != ''

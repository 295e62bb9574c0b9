-- All segments of a project, of every one where project_id is null, the oldest first. Parameter: project_id.
SELECT id, project_id, name, description, kind, definition, version, size, seen_at, generation, created_at,
    updated_at
FROM segments
WHERE %(project_id)s::uuid IS NULL OR project_id = %(project_id)s
ORDER BY id

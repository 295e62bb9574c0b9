-- A segment by its id; of one project unless project_id is null. Parameters: id, project_id.
SELECT id, project_id, name, description, kind, definition, version, size, seen_at, generation, created_at,
    updated_at
FROM segments
WHERE id = %(id)s AND (%(project_id)s::uuid IS NULL OR project_id = %(project_id)s)

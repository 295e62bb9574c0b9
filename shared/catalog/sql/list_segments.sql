-- A project's segments, the newest first: ids are in the order of time. Parameters: project_id, before (an id, null for the
-- newest), most.
SELECT id, project_id, name, description, kind, definition, version, size, seen_at, generation, created_at,
    updated_at
FROM segments
WHERE project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(most)s

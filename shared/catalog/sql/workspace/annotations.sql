-- The notes of a project in order of their ids, all, those of a range of time, or one. Parameters: project_id, id, from
-- and to (null for all), after, most.
SELECT id, project_id, at, text, created_by, created_at, updated_at
FROM annotations
WHERE project_id = %(project_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s)
    AND (%(from)s::timestamptz IS NULL OR at >= %(from)s) AND (%(to)s::timestamptz IS NULL OR at < %(to)s)
    AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(most)s

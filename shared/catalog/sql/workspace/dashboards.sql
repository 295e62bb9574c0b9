-- The dashboards of a project in order of their ids, all or one. Parameters: project_id, id (or null), reader (a
-- user's id, whose private ones are among them), all_private, search ('' for all: part of the name), after, most.
SELECT id, project_id, name, description, access, widgets, layout, version, created_by, updated_by, created_at, updated_at
FROM dashboards
WHERE project_id = %(project_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s)
    AND (access <> 'private' OR %(all_private)s OR created_by = %(reader)s::uuid)
    AND (%(search)s = '' OR strpos(lower(name), lower(%(search)s)) > 0)
    AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(most)s

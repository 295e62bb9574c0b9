-- The saved queries of a project in order of their ids, all or some. Parameters: project_id, ids (or null), kind, tag,
-- search ('' for all: part of the name), after, most.
SELECT id, project_id, kind, name, description, tags, query, last, version, created_by, updated_by, created_at, updated_at
FROM definitions
WHERE project_id = %(project_id)s AND (%(ids)s::uuid[] IS NULL OR id = ANY (%(ids)s))
    AND (%(kind)s = '' OR kind = %(kind)s) AND (%(tag)s = '' OR %(tag)s = ANY (tags))
    AND (%(search)s = '' OR strpos(lower(name), lower(%(search)s)) > 0)
    AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(most)s

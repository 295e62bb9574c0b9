-- The API keys of a project in order of their ids, all or one; those behind shares and passing ones are not among
-- them. Parameters: project_id, id (or null), after, most.
SELECT id, project_id, kind, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at, created_by, rotated_from
FROM api_keys
WHERE project_id = %(project_id)s AND share_id IS NULL AND NOT passing AND (%(id)s::uuid IS NULL OR id = %(id)s)
    AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(most)s

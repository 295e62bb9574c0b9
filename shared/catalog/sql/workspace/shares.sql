-- The shares of a project in order of their ids, all, one, or those of a dashboard, with when each was last used.
-- Parameters: project_id, id (or null), dashboard_id (or null), after, most.
SELECT id, project_id, dashboard_id, name, prefix, embeddable, created_by, created_at, expires_at, revoked_at,
    (SELECT max(last_used_at) FROM api_keys WHERE api_keys.share_id = shares.id) AS last_used_at
FROM shares
WHERE project_id = %(project_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s)
    AND (%(dashboard_id)s::uuid IS NULL OR dashboard_id = %(dashboard_id)s)
    AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(most)s

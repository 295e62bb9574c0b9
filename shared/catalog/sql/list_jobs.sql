-- A project's jobs of a kind, the newest first: ids are in the order of time. Parameters: project_id, kind, state ('' for
-- all), before (an id, null for the newest), most.
SELECT id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at, expired_at
FROM jobs
WHERE project_id = %(project_id)s AND kind = %(kind)s
    AND (%(state)s = '' OR state = %(state)s)
    AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(most)s

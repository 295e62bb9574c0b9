-- Cancel a job that is not finished; no row where there is none. Parameters: id, kind, project_id.
UPDATE jobs SET
    state = 'cancelled', lease = NULL, lease_until = NULL, finished_at = now(), updated_at = now()
WHERE id = %(id)s AND kind = %(kind)s AND project_id = %(project_id)s AND state IN ('queued', 'running')
RETURNING id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at

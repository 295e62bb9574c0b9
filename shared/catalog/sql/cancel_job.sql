-- Cancel a job that is in one of the states; no row where there is none. Parameters: id, kind, project_id, states.
UPDATE jobs SET
    state = 'cancelled', lease = NULL, lease_until = NULL, finished_at = now(), updated_at = now()
WHERE id = %(id)s AND kind = %(kind)s AND project_id = %(project_id)s AND state = ANY(%(states)s)
RETURNING id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at

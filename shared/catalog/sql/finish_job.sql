-- End a job; no row where it is not ours any more. Parameters: id, lease, state, progress, result, error_code, error_detail.
UPDATE jobs SET
    state = %(state)s, progress = coalesce(%(progress)s, progress), result = %(result)s,
    error_code = %(error_code)s, error_detail = %(error_detail)s,
    lease = NULL, lease_until = NULL, finished_at = now(), updated_at = now()
WHERE id = %(id)s AND lease = %(lease)s AND state = 'running'
RETURNING id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at

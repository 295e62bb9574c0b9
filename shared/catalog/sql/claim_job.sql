-- Take a job that nobody holds, to work on from its step; no row where it is held, finished, or further on than the event
-- that asks. Parameters: id, kind, step, lease, seconds.
UPDATE jobs SET
    state = 'running', lease = %(lease)s, lease_until = now() + make_interval(secs => %(seconds)s),
    attempts = attempts + 1, started_at = coalesce(started_at, now()), updated_at = now()
WHERE id = %(id)s AND kind = %(kind)s AND state IN ('queued', 'running') AND step <= %(step)s
    AND (lease_until IS NULL OR lease_until < now())
RETURNING id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at

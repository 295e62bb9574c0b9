-- Archives of access requests that have been kept for long enough, the oldest first. Parameters: days, most.
SELECT id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at, expired_at
FROM jobs
WHERE kind = 'access_request' AND state = 'completed' AND announced AND expired_at IS NULL
    AND finished_at < now() - make_interval(days => %(days)s)
ORDER BY finished_at LIMIT %(most)s

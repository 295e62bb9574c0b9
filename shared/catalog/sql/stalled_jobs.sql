-- Jobs of a kind that nobody holds and nothing was heard of for so long, or whose end was not told; each is taken once in
-- that time. Parameters: kind, seconds, most.
UPDATE jobs SET updated_at = now()
WHERE id IN (
    SELECT id FROM jobs
    WHERE kind = %(kind)s AND NOT announced AND updated_at < now() - make_interval(secs => %(seconds)s)
        AND (lease_until IS NULL OR lease_until < now())
    ORDER BY updated_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at

-- Finished exports whose files have been kept for long enough, the oldest first. One that asks for days of its own has
-- those; without, what a schedule made stays, and so does what went to a named destination, which is not ours to clear.
-- Parameters: days (0: none expires by itself), most.
SELECT id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at, expired_at
FROM (
    SELECT *, CASE
        WHEN request::jsonb ->> 'keep_days' IS NOT NULL THEN (request::jsonb ->> 'keep_days')::integer
        WHEN request::jsonb ->> 'schedule_id' IS NULL AND coalesce(request::jsonb ->> 'destination', '') = ''
            THEN nullif(%(days)s::integer, 0)
    END AS keep_days
    FROM jobs
    WHERE kind = 'export' AND state = 'completed' AND announced AND expired_at IS NULL
) AS kept
WHERE finished_at < now() - make_interval(days => keep_days)
ORDER BY finished_at LIMIT %(most)s

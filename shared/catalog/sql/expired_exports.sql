-- Finished exports whose files have been kept for long enough, the oldest first. One that asks for days of its own has
-- those; without, what a schedule made stays, and so does what went to a named destination, which is not ours to clear.
-- What is ours of a project that was deleted goes before the project does. Parameters: days (0: none expires by itself),
-- deleted_days (since when the project is deleted), most.
SELECT id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at, expired_at
FROM (
    SELECT *, CASE
        WHEN request::jsonb ->> 'keep_days' IS NOT NULL THEN (request::jsonb ->> 'keep_days')::integer
        WHEN request::jsonb ->> 'schedule_id' IS NULL AND coalesce(request::jsonb ->> 'destination', '') = ''
            THEN nullif(%(days)s::integer, 0)
    END AS keep_days,
    coalesce(request::jsonb ->> 'destination', '') = '' AND EXISTS (
        SELECT FROM projects
        WHERE projects.id = jobs.project_id AND deleted_at < now() - make_interval(days => %(deleted_days)s)
    ) AS ends
    FROM jobs
    WHERE kind = 'export' AND state = 'completed' AND announced AND expired_at IS NULL
) AS kept
WHERE ends OR finished_at < now() - make_interval(days => keep_days)
ORDER BY finished_at LIMIT %(most)s

-- A project's deliveries, the newest first, of one webhook or all, in one state or any. Parameters: project_id, webhook_id (null for
-- all), state ('' for any), before_at and before_id (null for the newest), most.
SELECT id, webhook_id, address, event_type, state, attempts, error, created_at, finished_at,
    CASE WHEN state = 'queued' THEN next_at END AS next_at
FROM deliveries
WHERE project_id = %(project_id)s
    AND (%(webhook_id)s::uuid IS NULL OR webhook_id = %(webhook_id)s)
    AND (%(state)s = '' OR state = %(state)s)
    AND (%(before_at)s::timestamptz IS NULL OR (created_at, id) < (%(before_at)s, %(before_id)s))
ORDER BY created_at DESC, id DESC LIMIT %(most)s

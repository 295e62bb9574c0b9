-- Forget what deliveries held; what waits is not delivered any more. Parameters: project_id, ids, content, error.
UPDATE deliveries SET
    content = %(content)s,
    state = CASE WHEN state = 'queued' THEN 'failed' ELSE state END,
    error = CASE WHEN state = 'queued' THEN %(error)s ELSE error END,
    finished_at = coalesce(finished_at, now())
WHERE project_id = %(project_id)s AND id = ANY(%(ids)s::uuid[])

-- A project's delivery with its content. Parameters: id, project_id.
SELECT id, webhook_id, address, event_type, state, attempts, error, created_at, finished_at,
    CASE WHEN state = 'queued' THEN next_at END AS next_at, content
FROM deliveries WHERE id = %(id)s AND project_id = %(project_id)s

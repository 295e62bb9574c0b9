-- Send a finished delivery again, with tries as if it were new; no row where it is still under way, its webhook is disabled, or it
-- is none of the project. Parameters: id, project_id.
UPDATE deliveries SET state = 'queued', tries = 0, next_at = now(), finished_at = NULL, error = ''
WHERE id = %(id)s AND project_id = %(project_id)s AND state <> 'queued'
    AND (webhook_id IS NULL OR EXISTS (SELECT FROM webhooks WHERE webhooks.id = webhook_id AND enabled))
RETURNING id

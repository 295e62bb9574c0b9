-- The webhooks of a project, the oldest first. Parameters: project_id.
SELECT id, project_id, url, description, types, filter, secret, previous_until, enabled, disabled_reason, failing_since,
    last_delivered_at, created_at, updated_at
FROM webhooks WHERE project_id = %(project_id)s ORDER BY id

-- A project's webhook. Parameters: id, project_id.
SELECT id, project_id, kind, options, url, description, types, filter, secret, previous_until, enabled, disabled_reason, failing_since,
    last_delivered_at, created_at, updated_at
FROM webhooks WHERE id = %(id)s AND project_id = %(project_id)s

-- The webhooks of a project, or with `channels` its channels, the oldest first. Parameters: project_id, channels.
SELECT id, project_id, kind, options, url, description, types, filter, secret, previous_until, enabled, disabled_reason, failing_since,
    last_delivered_at, created_at, updated_at
FROM webhooks WHERE project_id = %(project_id)s AND (kind <> 'standard') = %(channels)s::boolean ORDER BY id

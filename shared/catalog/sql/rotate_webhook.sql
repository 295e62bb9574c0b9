-- A new secret; the old one signs as well for a while. Parameters: id, project_id, secret, seconds.
UPDATE webhooks SET
    previous_secret = secret, previous_until = now() + make_interval(secs => %(seconds)s), secret = %(secret)s,
    updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, kind, options, url, description, types, filter, secret, previous_until, enabled, disabled_reason, failing_since,
    last_delivered_at, created_at, updated_at

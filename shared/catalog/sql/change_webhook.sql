-- Change a webhook; what is null stays. Whoever enables it, or gives it another URL, gives it a new chance. Parameters: id, project_id, url, description,
-- types, filter, enabled, options, secret (sealed; there is no time in which the one before holds as well).
UPDATE webhooks SET
    url = coalesce(%(url)s::text, url), description = coalesce(%(description)s::text, description),
    types = coalesce(%(types)s::text[], types), filter = coalesce(%(filter)s::text, filter),
    enabled = coalesce(%(enabled)s::boolean, enabled), options = coalesce(%(options)s::text, options),
    secret = coalesce(%(secret)s::text, secret),
    disabled_reason = CASE WHEN %(enabled)s::boolean THEN '' ELSE disabled_reason END,
    failing_since = CASE WHEN %(enabled)s::boolean OR %(url)s::text IS NOT NULL THEN NULL ELSE failing_since END,
    updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, kind, options, url, description, types, filter, secret, previous_until, enabled, disabled_reason, failing_since,
    last_delivered_at, created_at, updated_at

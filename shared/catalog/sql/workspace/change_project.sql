-- Change a project that is not deleted. Parameters: project_id, name, timezone, retention_days, allowed_origins,
-- ip_mode.
UPDATE projects SET name = %(name)s, timezone = %(timezone)s, retention_days = %(retention_days)s,
    allowed_origins = %(allowed_origins)s, ip_mode = %(ip_mode)s, updated_at = now()
WHERE id = %(project_id)s AND deleted_at IS NULL
RETURNING id, organisation_id, name, timezone, retention_days, allowed_origins, ip_mode, created_at, updated_at, deleted_at

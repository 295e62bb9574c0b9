-- Bring a deleted project back; its keys stay ended. Parameter: project_id.
UPDATE projects SET deleted_at = NULL, updated_at = now() WHERE id = %(project_id)s AND deleted_at IS NOT NULL
RETURNING id, organisation_id, name, timezone, retention_days, allowed_origins, ip_mode, created_at, updated_at, deleted_at

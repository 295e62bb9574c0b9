-- Hide a project and end its keys; its events stay until it is purged. Parameter: project_id.
WITH keys AS (
    UPDATE api_keys SET revoked_at = now() WHERE project_id = %(project_id)s AND revoked_at IS NULL
)
UPDATE projects SET deleted_at = now(), updated_at = now() WHERE id = %(project_id)s AND deleted_at IS NULL
RETURNING id, organisation_id, name, timezone, retention_days, allowed_origins, ip_mode, created_at, updated_at, deleted_at

-- A project, a deleted one too. Parameter: project_id.
SELECT id, organisation_id, name, timezone, retention_days, allowed_origins, ip_mode, created_at, updated_at, deleted_at FROM projects WHERE id = %(project_id)s

-- A new, empty project. Parameters: id, organisation_id, name, timezone, retention_days, allowed_origins, ip_mode.
INSERT INTO projects (id, organisation_id, name, timezone, retention_days, allowed_origins, ip_mode)
VALUES (%(id)s, %(organisation_id)s, %(name)s, %(timezone)s, %(retention_days)s, %(allowed_origins)s, %(ip_mode)s)
RETURNING id, organisation_id, name, timezone, retention_days, allowed_origins, ip_mode, created_at, updated_at, deleted_at

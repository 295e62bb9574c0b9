-- A maintenance window of a project. Parameters: id, project_id.
SELECT id, project_id, name, starts_at, ends_at, timezone, weekly, rules, created_at, updated_at FROM maintenance_windows
WHERE id = %(id)s AND project_id = %(project_id)s

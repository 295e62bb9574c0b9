-- A project's maintenance windows that are on, or may come again. Parameters: project_id, now.
SELECT id, project_id, name, starts_at, ends_at, timezone, weekly, rules, created_at, updated_at FROM maintenance_windows
WHERE project_id = %(project_id)s AND (weekly OR ends_at > %(now)s) AND starts_at <= %(now)s::timestamptz + interval '40 days'

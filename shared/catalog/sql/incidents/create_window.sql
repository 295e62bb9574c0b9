-- A new maintenance window; no row where the project has as many as it may: first its row is locked (lock_project).
-- Parameters: id, project_id, name, starts_at, ends_at, timezone, weekly, rules, most.
INSERT INTO maintenance_windows (id, project_id, name, starts_at, ends_at, timezone, weekly, rules)
SELECT %(id)s, %(project_id)s, %(name)s, %(starts_at)s, %(ends_at)s, %(timezone)s, %(weekly)s, %(rules)s::uuid[]
WHERE (SELECT count(*) FROM maintenance_windows WHERE project_id = %(project_id)s) < %(most)s
RETURNING id, project_id, name, starts_at, ends_at, timezone, weekly, rules, created_at, updated_at

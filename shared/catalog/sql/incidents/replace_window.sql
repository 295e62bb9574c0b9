-- Write a maintenance window anew. Parameters: id, project_id, name, starts_at, ends_at, timezone, weekly, rules.
UPDATE maintenance_windows SET name = %(name)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s, timezone = %(timezone)s,
    weekly = %(weekly)s, rules = %(rules)s::uuid[], updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, name, starts_at, ends_at, timezone, weekly, rules, created_at, updated_at

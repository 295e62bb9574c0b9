-- Write an alert rule anew; where it stands stays. Parameters: id, project_id, name, rule, quick.
UPDATE alerts
SET name = %(name)s, rule = %(rule)s, quick = %(quick)s, version = version + 1, updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, name, rule, version, paused, state, value, pending_since, incident_id, evaluated_to, problem_code,
    problem_detail, groups, created_at, updated_at

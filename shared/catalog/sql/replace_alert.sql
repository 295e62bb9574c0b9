-- Write an alert rule anew; where it stands stays. Parameters: id, project_id, name, rule.
UPDATE alerts SET name = %(name)s, rule = %(rule)s, version = version + 1, updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, name, rule, version, paused, state, value, pending_since, incident_id, evaluated_to, problem_code,
    problem_detail, created_at, updated_at

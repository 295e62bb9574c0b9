-- An alert rule by its id; of one project unless project_id is null. Parameters: id, project_id.
SELECT id, project_id, name, rule, version, paused, state, value, pending_since, incident_id, evaluated_to, problem_code,
    problem_detail, groups, created_at, updated_at
FROM alerts
WHERE id = %(id)s AND (%(project_id)s::uuid IS NULL OR project_id = %(project_id)s)

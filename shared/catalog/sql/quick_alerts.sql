-- The rules of a project that events may decide before their windows end. Parameter: project_id.
SELECT id, project_id, name, rule, version, paused, state, value, pending_since, incident_id, evaluated_to, problem_code,
    problem_detail, groups, created_at, updated_at
FROM alerts
WHERE project_id = %(project_id)s AND quick AND NOT paused
ORDER BY id

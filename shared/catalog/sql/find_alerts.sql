-- Alert rules by their ids; those that are gone are not there. Parameter: ids.
SELECT id, project_id, name, rule, version, paused, state, value, pending_since, incident_id, evaluated_to, problem_code,
    problem_detail, groups, created_at, updated_at
FROM alerts
WHERE id = ANY(%(ids)s::uuid[])

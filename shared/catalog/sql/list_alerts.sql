-- A project's alert rules, the newest first: ids are in the order of time. Parameters: project_id, before (an id, null for
-- the newest), most.
SELECT id, project_id, name, rule, version, paused, state, value, pending_since, incident_id, evaluated_to, problem_code,
    problem_detail, groups, created_at, updated_at
FROM alerts
WHERE project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(most)s

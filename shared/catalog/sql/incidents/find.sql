-- An incident by its id; of one project unless project_id is null. Parameters: id, project_id.
SELECT id, project_id, rule_id, dedup_key, name, group_name, severity, policy_id, state, snoozed_until, held, in_maintenance, data,
    source_id, source_at, step, step_at, repeats, next_at, version, opened_at, acknowledged_at, acknowledged_by, resolved_at
FROM incidents
WHERE id = %(id)s AND (%(project_id)s::uuid IS NULL OR project_id = %(project_id)s)

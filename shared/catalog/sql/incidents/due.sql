-- Incidents that have to be looked at, those that wait longest first. Parameters: now, most.
SELECT id, project_id, rule_id, dedup_key, name, group_name, severity, policy_id, state, snoozed_until, held, in_maintenance, data,
    source_id, source_at, step, step_at, repeats, next_at, version, opened_at, acknowledged_at, acknowledged_by, resolved_at
FROM incidents
WHERE next_at <= %(now)s
ORDER BY next_at LIMIT %(most)s

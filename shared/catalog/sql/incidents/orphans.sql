-- Incidents that are open though their rule was removed: nobody would ever say that they are over. Parameter: most.
SELECT id, project_id, rule_id, dedup_key, name, group_name, severity, policy_id, state, snoozed_until, held, in_maintenance, data,
    source_id, source_at, step, step_at, repeats, next_at, version, opened_at, acknowledged_at, acknowledged_by, resolved_at
FROM incidents
WHERE state <> 'resolved' AND rule_id IS NOT NULL AND NOT EXISTS (SELECT FROM alerts WHERE alerts.id = incidents.rule_id)
LIMIT %(most)s

-- The incident of a dedup key that is not resolved, held until the transaction is over. Parameters: project_id, dedup_key.
SELECT id, project_id, rule_id, dedup_key, name, group_name, severity, policy_id, state, snoozed_until, held, in_maintenance, data,
    source_id, source_at, step, step_at, repeats, next_at, version, opened_at, acknowledged_at, acknowledged_by, resolved_at
FROM incidents
WHERE project_id = %(project_id)s AND dedup_key = %(dedup_key)s AND state <> 'resolved'
FOR NO KEY UPDATE

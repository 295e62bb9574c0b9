-- A project's incidents, the newest first. Parameters: project_id, state ('' for all, 'unresolved' for open and
-- acknowledged), severity ('' for all), rule_id (null for all), since (null for all), at and before (the time and id of an
-- incident, null for the newest), most.
SELECT id, project_id, rule_id, dedup_key, name, group_name, severity, policy_id, state, snoozed_until, held, in_maintenance, data,
    source_id, source_at, step, step_at, repeats, next_at, version, opened_at, acknowledged_at, acknowledged_by, resolved_at
FROM incidents
WHERE project_id = %(project_id)s
    AND (%(state)s = '' OR state = %(state)s OR (%(state)s = 'unresolved' AND state <> 'resolved'))
    AND (%(severity)s = '' OR severity = %(severity)s)
    AND (%(rule_id)s::uuid IS NULL OR rule_id = %(rule_id)s)
    AND (%(since)s::timestamptz IS NULL OR opened_at >= %(since)s)
    AND (%(before)s::uuid IS NULL OR (opened_at, id) < (%(at)s::timestamptz, %(before)s::uuid))
ORDER BY opened_at DESC, id DESC LIMIT %(most)s

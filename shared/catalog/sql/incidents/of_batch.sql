-- The notices of a batch, each with its incident, in the order they came. Parameter: batch_id.
SELECT n.kind AS notice_kind, n.emails AS notice_emails, n.channels AS notice_channels, n.language AS notice_language,
    i.id, i.project_id, i.rule_id, i.dedup_key, i.name, i.group_name, i.severity, i.policy_id, i.state, i.snoozed_until, i.held, i.in_maintenance, i.data,
    i.source_id, i.source_at, i.step, i.step_at, i.repeats, i.next_at, i.version, i.opened_at, i.acknowledged_at, i.acknowledged_by, i.resolved_at
FROM incident_notices AS n JOIN incidents AS i ON i.id = n.incident_id
WHERE n.batch_id = %(batch_id)s
ORDER BY n.noted_at, n.id

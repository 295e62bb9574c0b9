-- A new incident with its first step; no row where there is one of that id, or one that is open for the dedup key. A rule
-- and a policy that are not there (any more) become null. Parameters: id, project_id, rule_id, dedup_key, name, group_name,
-- severity, policy_id, state, in_maintenance, data, source_id, source_at, next_at, opened_at, resolved_at; step_id, step_at,
-- step_kind, step_data.
WITH opened AS (
    INSERT INTO incidents (id, project_id, rule_id, dedup_key, name, group_name, severity, policy_id, state, in_maintenance,
        data, source_id, source_at, next_at, opened_at, resolved_at)
    SELECT %(id)s, %(project_id)s, (SELECT id FROM alerts WHERE id = %(rule_id)s::uuid AND project_id = %(project_id)s),
        %(dedup_key)s, %(name)s, %(group_name)s, %(severity)s,
        (SELECT id FROM policies WHERE id = %(policy_id)s::uuid AND project_id = %(project_id)s), %(state)s,
        %(in_maintenance)s, %(data)s, %(source_id)s, %(source_at)s, %(next_at)s::timestamptz, %(opened_at)s,
        %(resolved_at)s::timestamptz
    ON CONFLICT DO NOTHING
    RETURNING id, project_id, rule_id, dedup_key, name, group_name, severity, policy_id, state, snoozed_until, held, in_maintenance, data,
    source_id, source_at, step, step_at, repeats, next_at, version, opened_at, acknowledged_at, acknowledged_by, resolved_at
), noted AS (
    INSERT INTO incident_steps (id, incident_id, at, kind, actor, who, note, data)
    SELECT %(step_id)s, id, %(opened_at)s, %(step_kind)s, '', '', '', %(step_data)s FROM opened
    ON CONFLICT DO NOTHING
)
SELECT * FROM opened

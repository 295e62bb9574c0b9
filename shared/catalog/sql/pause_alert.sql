-- Stop or go on evaluating an alert rule: its timer goes or begins with it. Parameters: id, project_id, paused; timer, item,
-- cron, timezone, since, due_at.
WITH changed AS (
    UPDATE alerts SET paused = %(paused)s, version = version + 1, updated_at = now()
    WHERE id = %(id)s AND project_id = %(project_id)s
    RETURNING id, project_id, name, rule, version, paused, state, value, pending_since, incident_id, evaluated_to, problem_code,
    problem_detail, groups, created_at, updated_at
), ended AS (
    DELETE FROM timers WHERE name = %(timer)s AND item = %(item)s AND (SELECT paused FROM changed)
), begun AS (
    INSERT INTO timers (name, item, project_id, cron, timezone, watermark, due_at)
    SELECT %(timer)s, %(item)s, project_id, %(cron)s, %(timezone)s, %(since)s::timestamptz, %(due_at)s::timestamptz
    FROM changed WHERE NOT paused
    ON CONFLICT DO NOTHING
)
SELECT * FROM changed

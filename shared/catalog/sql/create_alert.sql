-- A new alert rule with its timer; no row where the project has as many as it may: first its row is locked
-- (lock_project), so that two at once count each other. Parameters: id, project_id, name, rule, quick, most; timer, item,
-- cron, timezone, since, due_at.
WITH made AS (
    INSERT INTO alerts (id, project_id, name, rule, quick)
    SELECT %(id)s, %(project_id)s, %(name)s, %(rule)s, %(quick)s
    WHERE (SELECT count(*) FROM alerts WHERE project_id = %(project_id)s) < %(most)s
    RETURNING id, project_id, name, rule, version, paused, state, value, pending_since, incident_id, evaluated_to, problem_code,
    problem_detail, groups, created_at, updated_at
), timed AS (
    INSERT INTO timers (name, item, project_id, cron, timezone, watermark, due_at)
    SELECT %(timer)s, %(item)s, project_id, %(cron)s, %(timezone)s, %(since)s::timestamptz, %(due_at)s::timestamptz
    FROM made
)
SELECT * FROM made

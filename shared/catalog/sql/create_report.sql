-- A new report with its timer, where it has a schedule; no row where the project has as many as it may: first its row is locked
-- (lock_project), so that two at once count each other. Parameters: id, project_id, name, asked, most; timer, item,
-- cron, timezone, since, due_at.
WITH made AS (
    INSERT INTO reports (id, project_id, name, asked)
    SELECT %(id)s, %(project_id)s, %(name)s, %(asked)s
    WHERE (SELECT count(*) FROM reports WHERE project_id = %(project_id)s) < %(most)s
    RETURNING id, project_id, name, asked, created_at, updated_at
), timed AS (
    INSERT INTO timers (name, item, project_id, cron, timezone, watermark, due_at)
    SELECT %(timer)s, %(item)s, project_id, %(cron)s::text, %(timezone)s::text, %(since)s::timestamptz, %(due_at)s::timestamptz
    FROM made WHERE %(cron)s::text IS NOT NULL
)
SELECT * FROM made

-- Write a report anew; its timer counts from `since` where the schedule is another, and ends where there is none.
-- Parameters: id, project_id, name, asked; timer, item, cron (null for no schedule), timezone, since, due_at.
WITH changed AS (
    UPDATE reports SET name = %(name)s, asked = %(asked)s, updated_at = now()
    WHERE id = %(id)s AND project_id = %(project_id)s
    RETURNING id, project_id, name, asked, created_at, updated_at
), timed AS (
    INSERT INTO timers AS kept (name, item, project_id, cron, timezone, watermark, due_at)
    SELECT %(timer)s, %(item)s, project_id, %(cron)s::text, %(timezone)s::text, %(since)s::timestamptz,
        %(due_at)s::timestamptz
    FROM changed WHERE %(cron)s::text IS NOT NULL
    ON CONFLICT (name, item) DO UPDATE SET
        cron = excluded.cron, timezone = excluded.timezone, watermark = excluded.watermark, due_at = excluded.due_at,
        attempts = 0, error = NULL
    WHERE (kept.cron, kept.timezone) IS DISTINCT FROM (excluded.cron, excluded.timezone)
), ended AS (
    DELETE FROM timers
    WHERE name = %(timer)s AND item = %(item)s AND %(cron)s::text IS NULL AND EXISTS (SELECT FROM changed)
)
SELECT * FROM changed

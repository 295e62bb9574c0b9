-- Write a report anew; its timer counts from `since` where the schedule is another. Parameters: id, project_id, name,
-- asked; timer, item, cron, timezone, since, due_at.
WITH changed AS (
    UPDATE reports SET name = %(name)s, asked = %(asked)s, updated_at = now()
    WHERE id = %(id)s AND project_id = %(project_id)s
    RETURNING id, project_id, name, asked, created_at, updated_at
), timed AS (
    UPDATE timers SET
        cron = %(cron)s, timezone = %(timezone)s, watermark = %(since)s, due_at = %(due_at)s, attempts = 0, error = NULL
    WHERE name = %(timer)s AND item = %(item)s AND EXISTS (SELECT FROM changed)
        AND (cron, timezone) IS DISTINCT FROM (%(cron)s, %(timezone)s)
)
SELECT * FROM changed

-- A new segment with its timer; first the project's row is locked (lock_project). Parameters: id, project_id, name,
-- description, kind, definition; timer, item, cron, timezone, since, due_at.
WITH made AS (
    INSERT INTO segments (id, project_id, name, description, kind, definition)
    VALUES (%(id)s, %(project_id)s, %(name)s, %(description)s, %(kind)s, %(definition)s)
    RETURNING id, project_id, name, description, kind, definition, version, size, seen_at, generation, created_at,
    updated_at
), timed AS (
    INSERT INTO timers (name, item, project_id, cron, timezone, watermark, due_at)
    SELECT %(timer)s, %(item)s, project_id, %(cron)s, %(timezone)s, %(since)s::timestamptz, %(due_at)s::timestamptz
    FROM made
)
SELECT * FROM made

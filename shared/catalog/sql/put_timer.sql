-- Make a timer, or give it another schedule, which then counts from `since`; the same schedule again changes nothing.
-- Parameters: timer, item, project_id (null for none), cron, timezone, since, due_at.
INSERT INTO timers AS kept (name, item, project_id, cron, timezone, watermark, due_at)
VALUES (%(timer)s, %(item)s, %(project_id)s, %(cron)s, %(timezone)s, %(since)s, %(due_at)s)
ON CONFLICT (name, item) DO UPDATE SET
    cron = excluded.cron, timezone = excluded.timezone, watermark = excluded.watermark, due_at = excluded.due_at,
    attempts = 0, error = NULL
WHERE (kept.cron, kept.timezone) IS DISTINCT FROM (excluded.cron, excluded.timezone)

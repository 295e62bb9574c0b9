-- Schedules of exports that may have a window to write, those longest behind first. What is due is the caller's clock's to
-- say. Parameters: now, most.
SELECT id, project_id, cron, timezone, delay_minutes, enabled, request, next_start, created_at, updated_at
FROM export_schedules
WHERE enabled AND next_start + make_interval(mins => delay_minutes) < %(now)s
ORDER BY next_start + make_interval(mins => delay_minutes), id LIMIT %(most)s

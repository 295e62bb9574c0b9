-- A new schedule of exports; no row where the project has as many as it may: first its row is locked (lock_project), so
-- that two at once count each other. Parameters: id, project_id, name, cron, timezone, delay_minutes, enabled, request,
-- next_start, most.
INSERT INTO export_schedules (id, project_id, name, cron, timezone, delay_minutes, enabled, request, next_start)
SELECT
    %(id)s, %(project_id)s, %(name)s, %(cron)s, %(timezone)s, %(delay_minutes)s, %(enabled)s, %(request)s, %(next_start)s
WHERE (SELECT count(*) FROM export_schedules WHERE project_id = %(project_id)s) < %(most)s
RETURNING id, project_id, cron, timezone, delay_minutes, enabled, request, next_start, created_at, updated_at

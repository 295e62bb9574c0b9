-- A new schedule of exports. Parameters: id, project_id, name, cron, timezone, delay_minutes, enabled, request, next_start.
INSERT INTO export_schedules (id, project_id, name, cron, timezone, delay_minutes, enabled, request, next_start)
VALUES (
    %(id)s, %(project_id)s, %(name)s, %(cron)s, %(timezone)s, %(delay_minutes)s, %(enabled)s, %(request)s, %(next_start)s
)
RETURNING id, project_id, cron, timezone, delay_minutes, enabled, request, next_start, created_at, updated_at

-- One schedule of exports of a project. Parameters: id, project_id.
SELECT id, project_id, cron, timezone, delay_minutes, enabled, request, next_start, created_at, updated_at
FROM export_schedules
WHERE id = %(id)s AND project_id = %(project_id)s

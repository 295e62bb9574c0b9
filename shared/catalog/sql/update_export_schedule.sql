-- Change a schedule of exports; its windows stay as they are. Parameters: id, project_id, name, delay_minutes, enabled, request.
UPDATE export_schedules SET
    name = %(name)s, delay_minutes = %(delay_minutes)s, enabled = %(enabled)s, request = %(request)s, updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, cron, timezone, delay_minutes, enabled, request, next_start, created_at, updated_at

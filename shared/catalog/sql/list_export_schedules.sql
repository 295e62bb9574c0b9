-- A project's schedules of exports, the newest first. Parameters: project_id, before (an id, null for the newest), most.
SELECT id, project_id, cron, timezone, delay_minutes, enabled, request, next_start, created_at, updated_at
FROM export_schedules
WHERE project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(most)s

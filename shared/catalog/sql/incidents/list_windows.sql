-- A project's maintenance windows, the newest first. Parameters: project_id, before (an id, null for the newest), most.
SELECT id, project_id, name, starts_at, ends_at, timezone, weekly, rules, created_at, updated_at FROM maintenance_windows
WHERE project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(most)s

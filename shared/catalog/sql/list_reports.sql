-- A project's reports, the newest first: ids are in the order of time. Parameters: project_id, before (an id, null for the
-- newest), most.
SELECT id, project_id, name, asked, created_at, updated_at
FROM reports
WHERE project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(most)s

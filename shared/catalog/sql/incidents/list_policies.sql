-- A project's policies, the newest first. Parameters: project_id, before (an id, null for the newest), most.
SELECT id, project_id, name, policy, created_at, updated_at FROM policies
WHERE project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(most)s

-- Those of these webhooks and channels that a project has. Parameters: project_id, ids.
SELECT id FROM webhooks WHERE project_id = %(project_id)s AND id = ANY (%(ids)s::uuid[])

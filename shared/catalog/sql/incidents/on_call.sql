-- Those of a project's channels that keep incidents of their own. Parameters: project_id, ids, kinds.
SELECT id FROM webhooks WHERE project_id = %(project_id)s AND id = ANY(%(ids)s::uuid[]) AND kind = ANY(%(kinds)s::text[])

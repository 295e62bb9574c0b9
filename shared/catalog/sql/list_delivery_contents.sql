-- What was or is to be delivered for a project, page by page. Parameters: project_id, after (id), most.
SELECT id, webhook_id, address IS NOT NULL AS mailed, state, content FROM deliveries
WHERE project_id = %(project_id)s AND id > %(after)s
ORDER BY id LIMIT %(most)s

-- The dead letters of a project with their data, page by page. Parameters: project_id, after (id), most.
SELECT id, event_type, data FROM dead_letters
WHERE attributes::json ->> 'project' = %(project_id)s::text AND id > %(after)s
ORDER BY id LIMIT %(most)s

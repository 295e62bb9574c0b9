-- The dead letters of a project with their data, page by page. jsonb refuses an escaped null character, which an attribute may
-- hold; in its place stands another escape. Parameters: project_id, after (id), most.
SELECT id, event_type, data FROM dead_letters
WHERE replace(attributes, '\u0000', '\ufffd')::jsonb ->> 'project' = %(project_id)s::text AND id > %(after)s
ORDER BY id LIMIT %(most)s

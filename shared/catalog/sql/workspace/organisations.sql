-- Every organisation, oldest first. No parameter.
SELECT id, name, created_at FROM organisations ORDER BY created_at, id LIMIT 1000

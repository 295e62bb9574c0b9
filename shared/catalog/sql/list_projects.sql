-- Every project, oldest first.
SELECT id, organisation_id, name, timezone, created_at FROM projects ORDER BY created_at, id

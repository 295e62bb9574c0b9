-- The PII rules of a project in the order they are tried, or the one of that id. Parameters: project_id, id (or null).
SELECT id, match, text, action, length, description, created_at, updated_at FROM pii_rules
WHERE project_id = %(project_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s::uuid)
ORDER BY id

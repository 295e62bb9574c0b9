-- The PII rules of all projects in the order they are tried, with the key of each project. No parameters.
SELECT project_id, match, text, action, length, person_key
FROM pii_rules JOIN projects ON projects.id = project_id
WHERE projects.deleted_at IS NULL
ORDER BY project_id, pii_rules.id

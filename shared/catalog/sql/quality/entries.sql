-- What people say of a project's events, or of the properties of one. Parameters: project_id, event (of all where null).
SELECT id, event, property, description, owner, tags, hidden, updated_at
FROM dictionary_entries
WHERE project_id = %(project_id)s
    AND CASE WHEN %(event)s::text IS NULL THEN property = '' ELSE event = %(event)s AND property <> '' END
ORDER BY event, property

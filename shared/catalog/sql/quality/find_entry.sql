-- Parameters: project_id, event, property.
SELECT id, event, property, description, owner, tags, hidden, updated_at
FROM dictionary_entries
WHERE project_id = %(project_id)s AND event = %(event)s AND property = %(property)s

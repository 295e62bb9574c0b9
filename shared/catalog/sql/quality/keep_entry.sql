-- Parameters: id, project_id, event, property, description, owner, tags, hidden.
INSERT INTO dictionary_entries AS kept (id, project_id, event, property, description, owner, tags, hidden)
VALUES (%(id)s, %(project_id)s, %(event)s, %(property)s, %(description)s, %(owner)s, %(tags)s, %(hidden)s)
ON CONFLICT (project_id, event, property) DO UPDATE
SET description = excluded.description, owner = excluded.owner, tags = excluded.tags, hidden = excluded.hidden,
    updated_at = clock_timestamp()
RETURNING id, event, property, description, owner, tags, hidden, updated_at

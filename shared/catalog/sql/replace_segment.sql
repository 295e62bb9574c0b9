-- Write a segment anew. Parameters: id, project_id, name, description, kind, definition.
UPDATE segments SET name = %(name)s, description = %(description)s, kind = %(kind)s, definition = %(definition)s,
    version = version + 1, updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, name, description, kind, definition, version, size, seen_at, generation, created_at,
    updated_at

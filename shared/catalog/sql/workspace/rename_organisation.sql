-- Give an organisation another name. Parameters: organisation_id, name.
UPDATE organisations SET name = %(name)s, updated_at = now() WHERE id = %(organisation_id)s
RETURNING id, name, created_at

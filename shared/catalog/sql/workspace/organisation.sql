-- An organisation. Parameter: organisation_id.
SELECT id, name, created_at FROM organisations WHERE id = %(organisation_id)s

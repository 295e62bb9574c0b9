-- A new, empty project of an organisation. Parameters: id, organisation_id, name, timezone.
INSERT INTO projects (id, organisation_id, name, timezone)
VALUES (%(id)s, %(organisation_id)s, %(name)s, %(timezone)s)
RETURNING id, organisation_id, name, timezone, created_at

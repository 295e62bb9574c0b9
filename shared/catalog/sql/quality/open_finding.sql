-- A finding, unless one of the kind is open there. Parameters: id, project_id, kind, event, property, value, expected, detail, at.
INSERT INTO quality_findings (id, project_id, kind, event, property, value, expected, detail, opened_at, seen_at)
VALUES (%(id)s, %(project_id)s, %(kind)s, %(event)s, %(property)s, %(value)s, %(expected)s, %(detail)s, %(at)s, %(at)s)
ON CONFLICT (project_id, event, kind, property) WHERE closed_at IS NULL DO NOTHING
RETURNING id

-- Which days of which projects were looked at, and how many changes they had then. Parameters: since, project_id (of all where null).
SELECT looks.project_id, looks.day, looks.ledger
FROM quality_looks AS looks JOIN projects ON projects.id = looks.project_id AND projects.deleted_at IS NULL
WHERE looks.day >= %(since)s AND (%(project_id)s::uuid IS NULL OR looks.project_id = %(project_id)s)

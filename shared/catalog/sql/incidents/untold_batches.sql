-- Batches nobody was told of yet, the oldest first. Parameter: most.
SELECT id, project_id, (SELECT name FROM projects WHERE projects.id = incident_batches.project_id) AS project
FROM incident_batches WHERE NOT told ORDER BY formed_at, id LIMIT %(most)s

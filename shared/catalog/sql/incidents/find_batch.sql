-- A batch by its id. Parameter: id.
SELECT id, project_id, (SELECT name FROM projects WHERE projects.id = incident_batches.project_id) AS project
FROM incident_batches WHERE id = %(id)s

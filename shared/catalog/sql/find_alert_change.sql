-- A rule's step by its id. Parameter: id.
SELECT id, alert_id, project_id, (SELECT name FROM projects WHERE projects.id = alert_changes.project_id) AS project, at,
    before, after, value, incident_id, since, code, detail, rule, created_at
FROM alert_changes
WHERE id = %(id)s

-- Rules' steps by their ids, the oldest first. Parameter: ids.
SELECT id, alert_id, project_id, (SELECT name FROM projects WHERE projects.id = alert_changes.project_id) AS project, at,
    before, after, value, incident_id, since, code, detail, group_name, rule, created_at
FROM alert_changes
WHERE id = ANY(%(ids)s::uuid[])
ORDER BY at, created_at, id

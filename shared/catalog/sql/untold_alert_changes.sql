-- Steps that somebody is to be told of and was not, the oldest first. Parameters: seconds (how old they are at least), most.
SELECT id, alert_id, project_id, (SELECT name FROM projects WHERE projects.id = alert_changes.project_id) AS project, at,
    before, after, value, incident_id, since, code, detail, group_name, rule, created_at
FROM alert_changes
WHERE NOT announced AND created_at < now() - make_interval(secs => %(seconds)s)
ORDER BY created_at LIMIT %(most)s

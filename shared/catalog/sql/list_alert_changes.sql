-- A rule's steps, the newest first. Parameters: alert_id, at and before (the time and id of a step, null for the newest),
-- most.
SELECT id, alert_id, project_id, (SELECT name FROM projects WHERE projects.id = alert_changes.project_id) AS project, at,
    before, after, value, incident_id, since, code, detail, group_name, rule, created_at
FROM alert_changes
WHERE alert_id = %(alert_id)s AND (%(before)s::uuid IS NULL OR (at, id) < (%(at)s::timestamptz, %(before)s::uuid))
ORDER BY at DESC, id DESC LIMIT %(most)s

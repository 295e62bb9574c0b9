-- What is known of some days of a project, the oldest first. Parameters: project_id, since, until (exclusive).
SELECT day, event, profile FROM quality_days
WHERE project_id = %(project_id)s AND day >= %(since)s AND day < %(until)s
ORDER BY day, event

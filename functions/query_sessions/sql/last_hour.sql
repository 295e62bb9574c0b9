-- How many hours of a project have events, and when the last of them begins, in seconds since 1970. Parameter: project.
SELECT count() AS hours, toUnixTimestamp(max(hour)) AS last
FROM hour_changes
WHERE project_id = {project:UUID}

-- The version of all of a project's events: every change of any of them raises it. Parameter: project.
SELECT sum(changes) AS version
FROM hour_changes
WHERE project_id = {project:UUID}

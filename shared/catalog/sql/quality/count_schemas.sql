-- How many schemas a project has. Parameter: project_id.
SELECT count(*) AS schemas FROM event_schemas WHERE project_id = %(project_id)s

-- How long a pause ends a session of a project. Parameter: project_id.
SELECT session_gap_seconds AS seconds FROM projects WHERE id = %(project_id)s

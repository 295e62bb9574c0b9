-- A project's timezone. Parameter: project_id.
SELECT timezone FROM projects WHERE id = %(project_id)s

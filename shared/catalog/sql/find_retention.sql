-- For how many days a project keeps its events, null for ever. Parameter: project_id.
SELECT retention_days FROM projects WHERE id = %(project_id)s

-- A dashboard that a report may show: not one that is its maker's alone. Parameters: id, project_id.
SELECT id, name, description, widgets FROM dashboards
WHERE id = %(id)s AND project_id = %(project_id)s AND access <> 'private'

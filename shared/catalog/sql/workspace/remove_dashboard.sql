-- Remove a dashboard and end what shows it, if it is still at that version. Parameters: id, project_id, version.
DELETE FROM dashboards WHERE id = %(id)s AND project_id = %(project_id)s AND version = %(version)s
RETURNING id, project_id, name, description, access, widgets, layout, version, created_by, updated_by, created_at, updated_at

-- Save a dashboard anew, if it is still at the version that was changed. Parameters: id, project_id, version, name,
-- description, access, widgets, layout, by.
UPDATE dashboards SET name = %(name)s, description = %(description)s, access = %(access)s, widgets = %(widgets)s,
    layout = %(layout)s, version = version + 1, updated_by = %(by)s, updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s AND version = %(version)s
RETURNING id, project_id, name, description, access, widgets, layout, version, created_by, updated_by, created_at, updated_at

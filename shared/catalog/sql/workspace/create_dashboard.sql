-- Save a dashboard. Parameters: id, project_id, name, description, access, widgets, layout, by.
INSERT INTO dashboards (id, project_id, name, description, access, widgets, layout, created_by, updated_by)
VALUES (%(id)s, %(project_id)s, %(name)s, %(description)s, %(access)s, %(widgets)s, %(layout)s, %(by)s, %(by)s)
RETURNING id, project_id, name, description, access, widgets, layout, version, created_by, updated_by, created_at, updated_at

-- End a schedule of exports; the exports it made stay. Parameters: id, project_id.
DELETE FROM export_schedules WHERE id = %(id)s AND project_id = %(project_id)s RETURNING id

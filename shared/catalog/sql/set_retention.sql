-- Keep a project's events for so many days, null for ever. Parameters: project_id, days.
UPDATE projects SET retention_days = %(days)s WHERE id = %(project_id)s RETURNING retention_days

-- What was known of a day. Parameters: project_id, day.
DELETE FROM quality_days WHERE project_id = %(project_id)s AND day = %(day)s

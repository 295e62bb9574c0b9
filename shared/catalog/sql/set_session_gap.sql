-- Give a project another pause that ends a session. Parameters: project_id, seconds.
UPDATE projects SET session_gap_seconds = %(seconds)s WHERE id = %(project_id)s

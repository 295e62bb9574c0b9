-- What a project wants of the check; no row where nobody said anything. Parameter: project_id.
SELECT project_id AS id, mode, mail_admins FROM quality_settings WHERE project_id = %(project_id)s

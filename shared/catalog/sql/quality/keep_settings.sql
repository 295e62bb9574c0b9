-- Parameters: project_id, mode, mail_admins.
INSERT INTO quality_settings AS kept (project_id, mode, mail_admins)
VALUES (%(project_id)s, %(mode)s, %(mail_admins)s)
ON CONFLICT (project_id) DO UPDATE
SET mode = excluded.mode, mail_admins = excluded.mail_admins, updated_at = clock_timestamp()
RETURNING project_id AS id, mode, mail_admins

-- Everybody whose consent was withdrawn and not granted again. Parameter: project_id.
SELECT person, version FROM consents WHERE project_id = %(project_id)s AND state = 'withdrawn'

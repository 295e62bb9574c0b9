-- What ingest needs of a project whose refused events are replayed. Parameter: project_id.
SELECT person_key, ip_mode FROM projects WHERE id = %(project_id)s AND deleted_at IS NULL

-- Remove a saved query, if it is still at that version. Parameters: id, project_id, version.
DELETE FROM definitions WHERE id = %(id)s AND project_id = %(project_id)s AND version = %(version)s
RETURNING id, project_id, kind, name, description, tags, query, last, version, created_by, updated_by, created_at, updated_at

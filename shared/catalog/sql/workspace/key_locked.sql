-- A key of a project, held until the transaction ends. Parameters: project_id, id.
SELECT id, project_id, kind, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at, created_by, rotated_from FROM api_keys WHERE project_id = %(project_id)s AND id = %(id)s AND share_id IS NULL AND NOT passing FOR UPDATE

-- Give a key of a project another name or end. Parameters: project_id, id, name, expires_at.
UPDATE api_keys SET name = %(name)s, expires_at = %(expires_at)s
WHERE project_id = %(project_id)s AND id = %(id)s AND share_id IS NULL AND NOT passing
RETURNING id, project_id, kind, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at, created_by, rotated_from

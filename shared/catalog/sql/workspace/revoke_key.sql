-- End a key of a project now; one that was revoked before keeps its time. Parameters: project_id, id.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now())
WHERE project_id = %(project_id)s AND id = %(id)s AND share_id IS NULL AND NOT passing
RETURNING id, project_id, kind, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at, created_by, rotated_from

-- The keys of a project, oldest first. Parameter: project_id.
SELECT id, project_id, kind, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE project_id = %(project_id)s ORDER BY created_at, id

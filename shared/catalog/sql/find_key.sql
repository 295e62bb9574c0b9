-- The key with this hash, revoked and expired ones too, with what its project settled; with a deleted project its keys are
-- revoked. Parameter: key_hash.
SELECT api_keys.id, project_id, kind, api_keys.name, prefix, scopes, api_keys.created_at, expires_at,
    coalesce(revoked_at, projects.deleted_at) AS revoked_at, last_used_at, timezone, allowed_origins, ip_mode
FROM api_keys JOIN projects ON projects.id = project_id
WHERE key_hash = %(key_hash)s

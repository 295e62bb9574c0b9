-- The key with this hash, revoked and expired ones too, with what its project settled. Parameter: key_hash.
SELECT api_keys.id, project_id, kind, api_keys.name, prefix, scopes, api_keys.created_at, expires_at, revoked_at,
    last_used_at, timezone, allowed_origins, ip_mode
FROM api_keys JOIN projects ON projects.id = project_id
WHERE key_hash = %(key_hash)s

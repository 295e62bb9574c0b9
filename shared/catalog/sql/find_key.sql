-- The key with this hash, revoked and expired ones too. Parameter: key_hash.
SELECT id, project_id, kind, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE key_hash = %(key_hash)s

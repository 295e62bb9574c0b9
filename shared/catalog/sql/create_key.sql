-- A new API key; only its hash is kept. Parameters: id, project_id, kind, name, prefix, key_hash, scopes, expires_at.
INSERT INTO api_keys (id, project_id, kind, name, prefix, key_hash, scopes, expires_at)
VALUES (%(id)s, %(project_id)s, %(kind)s, %(name)s, %(prefix)s, %(key_hash)s, %(scopes)s, %(expires_at)s)
RETURNING id, project_id, kind, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at

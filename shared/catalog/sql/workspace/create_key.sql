-- A new API key; only its hash is kept. Parameters: id, project_id, kind, name, prefix, key_hash, scopes, expires_at,
-- created_by, rotated_from, share_id.
INSERT INTO api_keys (id, project_id, kind, name, prefix, key_hash, scopes, expires_at, created_by, rotated_from,
    share_id)
VALUES (%(id)s, %(project_id)s, %(kind)s, %(name)s, %(prefix)s, %(key_hash)s, %(scopes)s, %(expires_at)s,
    %(created_by)s, %(rotated_from)s, %(share_id)s)
RETURNING id, project_id, kind, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at, created_by, rotated_from

-- End a key now; a key that was revoked before keeps its time. Parameter: id.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = %(id)s
RETURNING id, project_id, kind, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at

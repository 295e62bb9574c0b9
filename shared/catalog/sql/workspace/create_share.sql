-- Share a dashboard; of the token only its hash is kept, the key behind the share sealed. Parameters: id, project_id,
-- dashboard_id, name, token_hash, prefix, sealed_key, embeddable, expires_at, by.
INSERT INTO shares (id, project_id, dashboard_id, name, token_hash, prefix, sealed_key, embeddable, expires_at, created_by)
VALUES (%(id)s, %(project_id)s, %(dashboard_id)s, %(name)s, %(token_hash)s, %(prefix)s, %(sealed_key)s, %(embeddable)s,
    %(expires_at)s, %(by)s)
RETURNING id, project_id, dashboard_id, name, prefix, embeddable, created_by, created_at, expires_at, revoked_at

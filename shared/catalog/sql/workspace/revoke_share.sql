-- End a share and the key behind it; one that was revoked before keeps its time. Parameters: id, project_id.
WITH keys AS (UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE share_id = %(id)s)
UPDATE shares SET revoked_at = coalesce(revoked_at, now()) WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, dashboard_id, name, prefix, embeddable, created_by, created_at, expires_at, revoked_at

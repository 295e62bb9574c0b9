-- A link to a run; of its token only the hash is kept. Parameters: id, run_id, project_id, token_hash, prefix, by,
-- expires_at.
INSERT INTO report_shares (id, run_id, project_id, token_hash, prefix, created_by, expires_at)
VALUES (%(id)s, %(run_id)s, %(project_id)s, %(token_hash)s, %(prefix)s, %(by)s, %(expires_at)s)
RETURNING id, run_id, prefix, created_by, created_at, expires_at, revoked_at

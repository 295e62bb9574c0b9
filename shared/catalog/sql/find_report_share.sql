-- The link of a token, of a project that is there. Parameter: token_hash.
SELECT report_shares.id, run_id, prefix, created_by, report_shares.created_at, expires_at, revoked_at
FROM report_shares JOIN projects ON projects.id = project_id
WHERE token_hash = %(token_hash)s AND projects.deleted_at IS NULL

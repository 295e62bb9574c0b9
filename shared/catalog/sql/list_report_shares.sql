-- The links to a run, the newest first. Parameter: run_id.
SELECT id, run_id, prefix, created_by, created_at, expires_at, revoked_at
FROM report_shares WHERE run_id = %(run_id)s ORDER BY id DESC

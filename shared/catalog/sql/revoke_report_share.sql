-- End a link to a run; one that was ended before keeps its time. Parameters: id, run_id.
UPDATE report_shares SET revoked_at = coalesce(revoked_at, now()) WHERE id = %(id)s AND run_id = %(run_id)s
RETURNING id, run_id, prefix, created_by, created_at, expires_at, revoked_at

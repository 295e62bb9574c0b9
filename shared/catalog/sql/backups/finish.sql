-- End a copy. Parameters: id, lease, state, holds_until, events, rows, bytes, written_bytes, files, code, detail.
UPDATE backups
SET
    state = %(state)s, finished_at = now(), holds_until = %(holds_until)s, events = %(events)s, rows = %(rows)s,
    bytes = %(bytes)s, written_bytes = %(written_bytes)s, files = %(files)s, error_code = %(code)s,
    error_detail = %(detail)s, checkpoint = NULL, lease_token = NULL, lease_until = NULL
WHERE id = %(id)s AND lease_token = %(lease)s AND state = 'running'
RETURNING id

-- One copy. Parameters: id.
SELECT
    id, kind, state, asked_by, created_at, holds_until, expires_at, finished_at, deleted_at, events, rows, bytes,
    written_bytes, files, drilled_at, drill, error_code, error_detail
FROM backups
WHERE id = %(id)s

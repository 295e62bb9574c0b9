-- Copies, the newest first. Parameters: before (null: from the newest), most.
SELECT
    id, kind, state, asked_by, created_at, holds_until, expires_at, finished_at, deleted_at, events, rows, bytes,
    written_bytes, files, drilled_at, drill, error_code, error_detail
FROM backups
WHERE %(before)s::uuid IS NULL OR id < %(before)s::uuid
ORDER BY id DESC
LIMIT %(most)s

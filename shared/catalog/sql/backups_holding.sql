-- Copies made before a time that are still there, or may be, the oldest first. Parameter: before.
SELECT id, created_at, expires_at FROM backups
WHERE state IN ('running', 'completed') AND created_at < %(before)s
ORDER BY created_at, id

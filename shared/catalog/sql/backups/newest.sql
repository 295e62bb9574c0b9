-- The newest copy that is whole. At most one row.
SELECT id FROM backups WHERE state = 'completed' ORDER BY id DESC LIMIT 1

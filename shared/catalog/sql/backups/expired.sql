-- Copies whose time is over, but never the newest that is whole.
SELECT id FROM backups
WHERE state = 'completed' AND expires_at < now()
    AND id <> (SELECT max(id::text)::uuid FROM backups WHERE state = 'completed')
ORDER BY id

-- Copies that are being made and that nobody holds.
SELECT id FROM backups WHERE state = 'running' AND (lease_until IS NULL OR lease_until < now())

-- Take a copy that is being made and that nobody holds. Parameters: id, lease, seconds.
UPDATE backups
SET lease_token = %(lease)s, lease_until = now() + make_interval(secs => %(seconds)s), attempts = attempts + 1
WHERE id = %(id)s AND state = 'running' AND (lease_until IS NULL OR lease_until < now())
RETURNING id, created_at, attempts, checkpoint

-- Hold a copy for longer; no row where it is not ours any more. Parameters: id, lease, seconds.
UPDATE backups SET lease_until = now() + make_interval(secs => %(seconds)s)
WHERE id = %(id)s AND lease_token = %(lease)s AND state = 'running'
RETURNING id

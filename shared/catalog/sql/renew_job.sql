-- Hold a job for longer; no row where it is not ours any more. Parameters: id, lease, seconds.
UPDATE jobs SET lease_until = now() + make_interval(secs => %(seconds)s)
WHERE id = %(id)s AND lease = %(lease)s AND state = 'running'
RETURNING id

-- How far a copy is; no row where it is not ours any more. Parameters: id, lease, checkpoint.
UPDATE backups SET checkpoint = %(checkpoint)s, attempts = 0
WHERE id = %(id)s AND lease_token = %(lease)s AND state = 'running'
RETURNING id

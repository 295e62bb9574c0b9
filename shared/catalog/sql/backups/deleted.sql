-- A copy is gone. Parameters: id.
UPDATE backups SET state = 'deleted', deleted_at = now() WHERE id = %(id)s AND state <> 'running' RETURNING id

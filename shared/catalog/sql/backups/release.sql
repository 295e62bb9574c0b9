-- Let go of a copy; a checkpoint says how far it is, and that it came further. Parameters: id, lease, checkpoint (null: no
-- further), detail.
UPDATE backups
SET
    lease_token = NULL, lease_until = NULL, checkpoint = coalesce(%(checkpoint)s, checkpoint),
    attempts = CASE WHEN %(checkpoint)s::text IS NULL THEN attempts ELSE 0 END, error_detail = %(detail)s
WHERE id = %(id)s AND lease_token = %(lease)s AND state = 'running'
RETURNING id

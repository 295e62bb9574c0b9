-- Let go of a job that is not finished. Parameters: id, lease, step, forgiven (attempts that do not count), error_code,
-- error_detail (null where nothing is wrong).
UPDATE jobs SET
    lease = NULL, lease_until = NULL, step = %(step)s, attempts = greatest(attempts - %(forgiven)s, 0),
    error_code = %(error_code)s, error_detail = %(error_detail)s, updated_at = now()
WHERE id = %(id)s AND lease = %(lease)s AND state = 'running'
RETURNING id

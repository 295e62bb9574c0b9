-- Note how far a job is; no row where it is not ours any more. Attempts count since the last progress.
-- Parameters: id, lease, seconds, checkpoint, progress.
UPDATE jobs SET
    checkpoint = %(checkpoint)s, progress = %(progress)s, attempts = 1, error_code = NULL, error_detail = NULL,
    lease_until = now() + make_interval(secs => %(seconds)s), updated_at = now()
WHERE id = %(id)s AND lease = %(lease)s AND state = 'running'
RETURNING id

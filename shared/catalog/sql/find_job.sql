-- A job by its id and kind; of one project unless project_id is null. Parameters: id, kind, project_id.
SELECT id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at, expired_at
FROM jobs
WHERE id = %(id)s AND kind = %(kind)s AND (%(project_id)s::uuid IS NULL OR project_id = %(project_id)s)

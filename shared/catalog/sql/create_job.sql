-- A new job, or the one that has its key already; made says which. Parameters: id, project_id, kind, key, request, asked_by.
-- The update changes nothing, but it waits for and then sees the row that another transaction was inserting.
INSERT INTO jobs AS kept (id, project_id, kind, key, request, asked_by)
VALUES (%(id)s, %(project_id)s, %(kind)s, %(key)s, %(request)s, %(asked_by)s)
ON CONFLICT (project_id, kind, key) DO UPDATE SET key = excluded.key
RETURNING id, project_id, kind, key, state, progress, step, attempts, request, checkpoint, result, error_code, error_detail,
    announced, created_at, started_at, updated_at, finished_at, expired_at, (xmax = 0) AS made

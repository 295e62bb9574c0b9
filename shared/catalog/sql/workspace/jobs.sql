-- The jobs of a project of these kinds, the newest first: ids are in the order of time; each with who asked for it, by
-- name where that is still known. Parameters: project_id, kinds, state ('' for all), before (an id, null for the newest),
-- most.
SELECT j.id, j.kind, j.state, j.progress, j.error_code, j.error_detail, j.created_at, j.started_at, j.updated_at,
    j.finished_at, j.expired_at, j.asked_by, coalesce(nullif(u.name, ''), u.email, k.name, s.name) AS asker
FROM jobs AS j
LEFT JOIN users AS u ON j.asked_by = 'user:' || u.id
LEFT JOIN api_keys AS k ON j.asked_by = 'key:' || k.id AND k.project_id = j.project_id
LEFT JOIN export_schedules AS s ON j.asked_by = 'schedule:' || s.id AND s.project_id = j.project_id
WHERE j.project_id = %(project_id)s AND j.kind = ANY(%(kinds)s)
    AND (%(state)s = '' OR j.state = %(state)s)
    AND (%(before)s::uuid IS NULL OR j.id < %(before)s)
ORDER BY j.id DESC LIMIT %(most)s

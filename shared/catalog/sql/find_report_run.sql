-- A run by its id. Parameter: id.
SELECT id, report_id, project_id, (SELECT name FROM projects WHERE projects.id = report_runs.project_id) AS project, due_at,
    trigger, state, asked, numbers, result, files, error_code, error_detail, announced, created_at
FROM report_runs
WHERE id = %(id)s

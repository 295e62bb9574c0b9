-- A report's runs, the newest first. Parameters: report_id, due_at and before (the time and id of a run, null for the
-- newest), most.
SELECT id, report_id, project_id, (SELECT name FROM projects WHERE projects.id = report_runs.project_id) AS project, due_at,
    trigger, state, asked, numbers, result, files, error_code, error_detail, announced, created_at
FROM report_runs
WHERE report_id = %(report_id)s
    AND (%(before)s::uuid IS NULL OR (due_at, id) < (%(due_at)s::timestamptz, %(before)s::uuid))
ORDER BY due_at DESC, id DESC LIMIT %(most)s

-- Keep a run of a report that is there; one that is kept already stays as it is. Parameters: id, report_id, project_id,
-- due_at, trigger, state, asked, numbers, error_code, error_detail.
INSERT INTO report_runs
    (id, report_id, project_id, due_at, trigger, state, asked, numbers, error_code, error_detail, announced)
SELECT %(id)s, id, project_id, %(due_at)s::timestamptz, %(trigger)s, %(state)s, %(asked)s, %(numbers)s::text,
    %(error_code)s::text, %(error_detail)s::text, %(state)s = 'failed'
FROM reports WHERE id = %(report_id)s AND project_id = %(project_id)s
ON CONFLICT (id) DO NOTHING

-- Keep a run of a report that is there, and its files with it; one that is kept already stays as it is, and the files
-- stay noted for removal. No row where nothing was kept. Parameters: id, report_id, project_id, due_at, trigger, state,
-- asked, numbers, result, files, error_code, error_detail.
WITH kept AS (
    INSERT INTO report_runs (id, report_id, project_id, due_at, trigger, state, asked, numbers, result, files,
        error_code, error_detail, announced)
    SELECT %(id)s, id, project_id, %(due_at)s::timestamptz, %(trigger)s, %(state)s, %(asked)s, %(numbers)s::text,
        %(result)s::text, %(files)s::text, %(error_code)s::text, %(error_detail)s::text, %(state)s = 'failed'
    FROM reports WHERE id = %(report_id)s AND project_id = %(project_id)s
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), held AS (
    DELETE FROM report_trash WHERE files = %(files)s::text AND EXISTS (SELECT FROM kept)
)
SELECT id FROM kept

-- A project's runs, the newest first. Parameters: project_id, state ('' for all), most.
SELECT id, state, days, cutoff, plan, at, finished_at, hours, hour_count, events, rows, rejected, held_rows, dropped_parts,
    left_rows, detail
FROM retention_runs
WHERE project_id = %(project_id)s AND (%(state)s = '' OR state = %(state)s)
ORDER BY id DESC LIMIT %(most)s

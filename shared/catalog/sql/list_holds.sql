-- The legal holds of a project, the newest first, or the one of that id. A hold is in force once every run of retention that
-- may not have seen it is over: noted before the hold was committed, and not said to have ended; no run lasts ten minutes.
-- Parameters: project_id, id (or null), most.
SELECT id, person, reason, created_at, released_at,
    released_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM retention_runs AS runs
        WHERE runs.project_id = holds.project_id AND runs.state IN ('started', 'completed') AND NOT runs.ended
            AND runs.noted_at <= holds.created_at + interval '3 seconds'
            AND runs.noted_at > clock_timestamp() - interval '10 minutes'
    ) AS in_force
FROM legal_holds AS holds
WHERE project_id = %(project_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s::uuid)
ORDER BY id DESC LIMIT %(most)s

-- The runs that session_superseded.sql finds. A header only ever grows, so what it names stays superseded.
DELETE FROM user_sessions
WHERE generation <= {before:UInt64}
    AND (project_id, day, generation) IN
    (
        SELECT runs.project_id, runs.day, runs.generation
        FROM user_sessions AS runs
        INNER JOIN
        (
            SELECT project_id, day, max(generation) AS newest
            FROM daily_metrics
            GROUP BY project_id, day
        ) AS header
            ON runs.project_id = header.project_id AND runs.day = header.day
        WHERE runs.generation < header.newest
    )

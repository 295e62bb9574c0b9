-- The counts that superseded.sql finds. A header only ever grows, so what it names stays superseded.
DELETE FROM rollup_counts
WHERE generation <= {before:UInt64}
    AND (project_id, hour, generation) IN
    (
        SELECT counts.project_id, counts.hour, counts.generation
        FROM rollup_counts AS counts
        INNER JOIN
        (
            SELECT project_id, hour, max(generation) AS newest
            FROM rollup_hours
            GROUP BY project_id, hour
        ) AS header
            ON counts.project_id = header.project_id AND counts.hour = header.hour
        WHERE counts.generation < header.newest
    )

-- Runs that no query can be reading any more: older than their day's header, and than the oldest query under way.
SELECT count() AS runs
FROM user_sessions AS runs
INNER JOIN
(
    SELECT project_id, day, max(generation) AS newest
    FROM daily_metrics
    GROUP BY project_id, day
) AS header
    ON runs.project_id = header.project_id AND runs.day = header.day
WHERE runs.generation < header.newest AND runs.generation <= {before:UInt64}

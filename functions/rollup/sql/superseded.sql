-- Counts that no query can be reading any more: older than their hour's header, and than the oldest query under way.
SELECT count() AS counts
FROM rollup_counts AS counts
INNER JOIN
(
    SELECT project_id, hour, max(generation) AS newest
    FROM rollup_hours
    GROUP BY project_id, hour
) AS header
    ON counts.project_id = header.project_id AND counts.hour = header.hour
WHERE counts.generation < header.newest AND counts.generation <= {before:UInt64}

-- What is kept of the person's activity within each day. Parameters as in events.sql.
SELECT runs.* EXCEPT (project_id, generation)
FROM user_sessions AS runs
INNER JOIN
(
    SELECT day, max(generation) AS generation FROM daily_metrics WHERE project_id = /*project*/ GROUP BY day
) AS newest ON runs.day = newest.day AND runs.generation = newest.generation
WHERE runs.project_id = /*project*/ AND runs.user_key IN /*keys*/
ORDER BY started, user_key

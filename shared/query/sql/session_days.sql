-- The days of a range that have events: their ledger's version, how many they are, and those whose runs are not as they are.
SELECT
    sum(ledger.version) AS changes,
    count() AS days,
    groupArrayIf(/*most*/)(
        toUInt32(toUnixTimestamp(toDateTime(day, 'UTC'))), ledger.version != header.rolled OR header.pause != /*gap*/
    ) AS unrolled
FROM
(
    SELECT toDate(hour) AS day, sum(changes) AS version
    FROM hour_changes
    WHERE project_id = /*project*/ AND hour >= /*start*/ AND hour < /*end*/
    GROUP BY day
) AS ledger
LEFT JOIN
(
    SELECT day, argMax(version, generation) AS rolled, argMax(gap, generation) AS pause
    FROM daily_metrics
    WHERE project_id = /*project*/ AND day >= toDate(/*start*/) AND day < toDate(/*end*/)
    GROUP BY day
) AS header USING (day)

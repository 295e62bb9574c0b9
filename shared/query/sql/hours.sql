-- The hours of a range that have events: their ledger's version, how many they are, and those not rolled up as they are.
-- An hour that the range cuts cannot be answered from its counts.
SELECT
    sum(ledger.version) AS changes,
    count() AS hours,
    groupArrayIf(/*most*/)(
        toUnixTimestamp(hour), ledger.version != header.rolled OR hour < /*whole_from*/ OR hour >= /*whole_to*/
    ) AS unrolled
FROM
(
    SELECT hour, sum(changes) AS version
    FROM hour_changes
    WHERE /*scope*/
    GROUP BY hour
) AS ledger
LEFT JOIN
(
    SELECT hour, argMax(version, generation) AS rolled
    FROM rollup_hours
    WHERE /*scope*/
    GROUP BY hour
) AS header USING (hour)

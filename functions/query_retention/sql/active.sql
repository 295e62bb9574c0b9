-- On each day, how many people were active that day, within 7 days and within 30 days up to it.
SELECT day, countIf(span = 1) AS daily, countIf(span = 7) AS weekly, countIf(span = 30) AS monthly
FROM
(
    SELECT span, arrayJoin(arrayDistinct(arrayFlatten(arrayMap(one -> range(one, one + span), days)))) AS day
    FROM
    (
        SELECT /*subject*/ AS subject, groupUniqArray(toInt32(/*bucket*/)) AS days
        FROM /*rows*/
        GROUP BY subject
    )
    ARRAY JOIN [1, 7, 30] AS span
)
WHERE day >= /*first*/ AND day < /*number*/
GROUP BY day
ORDER BY day

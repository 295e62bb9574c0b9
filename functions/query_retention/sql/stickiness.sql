-- How many people were active in how many intervals of the range.
SELECT intervals, count() AS people
FROM
(
    SELECT /*subject*/ AS subject, uniqExact(/*bucket*/) AS intervals
    FROM /*rows*/
    GROUP BY subject
)
GROUP BY intervals
ORDER BY intervals

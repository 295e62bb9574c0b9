-- The most frequent values, which steps can be; all others are one.
SELECT value
FROM
(
    SELECT /*value*/ AS value
    FROM /*rows*/
)
GROUP BY value
ORDER BY count() DESC, value ASC NULLS LAST
LIMIT /*limit*/

-- How many people began, and came through, by when they began first.
SELECT bucket, countIf(reached_1.1 > 0) AS entered, countIf(/*last*/.1 > 0) AS completed
FROM
(
    SELECT reached_1, /*last*/, fromUnixTimestamp64Micro(reached_1.1) AS timestamp, /*bucket*/ AS bucket
    FROM /*people*/
    WHERE reached_1.1 > 0
)
GROUP BY bucket
ORDER BY bucket

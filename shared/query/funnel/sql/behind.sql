-- The people who came to a step, or to it and no further, in the order of their keys; `timestamp` is when they began first.
SELECT subject, /*wanted*/.1 AS reached_at, /*wanted*/.2 AS took
FROM
(
    SELECT *, fromUnixTimestamp64Micro(reached_1.1) AS timestamp
    FROM /*people*/
)
WHERE /*wanted*/.1 > 0/*only*/
    AND subject > /*after*/
ORDER BY subject
LIMIT /*limit*/

-- The people of whom it holds for one of the first events at least; `after` is the nearest of the other strictly later, 0 of none.
SELECT DISTINCT before.person AS person
FROM
(
    SELECT person, toUnixTimestamp64Micro(timestamp) AS at
    FROM events FINAL
    WHERE /*first*/
) AS before
ASOF LEFT JOIN
(
    SELECT person, toUnixTimestamp64Micro(timestamp) AS at
    FROM events FINAL
    WHERE /*then*/
) AS after
    ON before.person = after.person AND before.at < after.at
WHERE /*holds*/

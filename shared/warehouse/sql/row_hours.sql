-- The hours that rows of a condition are in, as seconds from 1970. Parameters as in rows_by_partition.sql.
SELECT DISTINCT intDiv(toUnixTimestamp64Micro(timestamp), 3600000000) * 3600 AS hour
FROM events
WHERE /*where*/
ORDER BY hour

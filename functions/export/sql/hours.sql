-- How many events each hour of a range has, and about how many bytes they are: what an export is cut by. Hours are
-- counted from 1970 and come in order; those without an event do not. Parameters are bound by shared.query.scope.
SELECT
    intDiv(toUnixTimestamp64Micro(timestamp), 3600000000) AS hour,
    count(),
    sum(length(properties_raw) + length(context_raw) + length(url) + length(referrer) + 300)
FROM events FINAL
WHERE /*scope*/
GROUP BY hour
ORDER BY hour

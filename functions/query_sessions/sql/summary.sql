-- Sessions that begin in a range: their figures by key (kind 1), by interval (kind 2) and in all (kind 3). The largest keys
-- first, ties in the order of the keys; the last column is the latest moment at which one of all could go on.
SELECT
    /*kind*/ AS kind,
    /*keys*/ AS keys,
    /*bucket*/ AS bucket,
    count() AS sessions,
    uniqExactIf(person, person != '') AS people,
    sum(number) AS events,
    countIf(number = 1) AS bounced,
    sum(toUnixTimestamp64Micro(over) - toUnixTimestamp64Micro(timestamp)) / 1000000 AS duration,
    quantilesExactInclusive(0.5, 0.9, 0.95)(seconds) AS percentiles,
    sum(active) AS active,
    [/*steps*/] AS distribution
FROM
(
    SELECT *, /*each_keys*/ AS each_keys, /*each_bucket*/ AS each_bucket
    FROM /*sessions*/
    WHERE /*conditions*/
)
GROUP BY GROUPING SETS (/*sets*/)
ORDER BY kind, sessions DESC, keys
LIMIT /*most*/ BY kind

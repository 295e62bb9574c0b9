-- What a generation has in each of its days: runs, events, ids, and runs of one event.
SELECT
    toUInt32(toUnixTimestamp(toDateTime(day, 'UTC'))) AS start,
    count() AS runs,
    sum(events) AS number,
    uniqExactIf(user_key, user_key != '') AS keys,
    countIf(events = 1) AS single
FROM user_sessions
WHERE project_id = {project:UUID}
    AND day >= toDate(toDateTime({start:Int64}, 'UTC'))
    AND day < toDate(toDateTime({end:Int64}, 'UTC'))
    AND generation = {generation:UInt64}
GROUP BY day

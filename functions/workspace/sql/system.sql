-- What the warehouse is, and the records of a project that came in the last hour: how many, when the newest came (in
-- microseconds), how many milliseconds passed until they were stored (half of them, 95 of 100), how many of their events
-- were stored and how many refused. One row.
-- Parameters: project. Without FINAL: a record delivered twice may count twice, which changes no delay.
SELECT
    version(),
    (SELECT max(version) FROM (SELECT version FROM schema_migrations GROUP BY version HAVING argMax(applied, at) = 1)),
    count(),
    toUnixTimestamp64Micro(max(received_at)),
    quantileExact(0.5)(toUnixTimestamp64Micro(stored_at) - toUnixTimestamp64Micro(received_at)) / 1000,
    quantileExact(0.95)(toUnixTimestamp64Micro(stored_at) - toUnixTimestamp64Micro(received_at)) / 1000,
    sum(rows),
    sum(rejected)
FROM batches
WHERE project_id = /*project*/ AND received_at > now64(6) - INTERVAL 1 HOUR

-- One generation of a project's hours within one week, counted from the rows. FINAL counts what was stored twice once.
INSERT INTO rollup_counts (project_id, hour, generation, event, bot, n)
SELECT {project:UUID}, toStartOfHour(timestamp) AS hour, {generation:UInt64}, event, bot, count() AS n
FROM events FINAL
WHERE project_id = {project:UUID}
    AND timestamp >= fromUnixTimestamp64Micro({start:Int64}, 'UTC')
    AND timestamp < fromUnixTimestamp64Micro({end:Int64}, 'UTC')
    AND indexHint(toDate(timestamp) >= toDate(fromUnixTimestamp64Micro({start:Int64}, 'UTC')))
    AND indexHint(toDate(timestamp) <= toDate(fromUnixTimestamp64Micro({end:Int64}, 'UTC')))
    AND has({hours:Array(UInt32)}, toUnixTimestamp(toStartOfHour(timestamp)))
GROUP BY hour, event, bot

-- How many events a generation has in each of its hours.
SELECT toUnixTimestamp(hour) AS start, sum(n) AS rows
FROM rollup_counts
WHERE project_id = {project:UUID}
    AND hour >= fromUnixTimestamp({start:Int64})
    AND hour < fromUnixTimestamp({end:Int64})
    AND generation = {generation:UInt64}
GROUP BY hour

-- Days whose runs are to be made: over, changed since their header or made for another pause, and quiet by now or waiting for
-- too long. Oldest days of a project first. `projects` have the pauses `gaps`, all others the usual one.
SELECT
    toString(ledger.project_id) AS project,
    toUInt32(toUnixTimestamp(toDateTime(ledger.day, 'UTC'))) AS start,
    ledger.version AS version,
    header.newest AS newest,
    transform(project, {projects:Array(String)}, {gaps:Array(UInt32)}, {usual:UInt32}) AS pause
FROM
(
    SELECT project_id, toDate(hour) AS day, sum(changes) AS version, max(changed_at) AS changed
    FROM hour_changes
    GROUP BY project_id, day
) AS ledger
LEFT JOIN
(
    SELECT project_id, day, max(generation) AS newest, argMax(version, generation) AS version, argMax(gap, generation) AS gap
    FROM daily_metrics
    GROUP BY project_id, day
) AS header
    ON ledger.project_id = header.project_id AND ledger.day = header.day
WHERE (ledger.version != header.version OR header.gap != pause)
    AND toDateTime(ledger.day, 'UTC') <= fromUnixTimestamp({over:Int64})
    AND (ledger.changed <= fromUnixTimestamp({quiet:Int64}) OR header.newest <= {waited:UInt64})
ORDER BY project, start
LIMIT {most:UInt32}

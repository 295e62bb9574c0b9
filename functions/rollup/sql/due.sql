-- Hours to roll up: changed since their header, over, and quiet by now or waiting for too long. Oldest hours first.
SELECT toString(ledger.project_id) AS project, toUnixTimestamp(ledger.hour) AS start, ledger.version AS version, header.newest AS newest
FROM
(
    SELECT project_id, hour, sum(changes) AS version, max(changed_at) AS changed
    FROM hour_changes
    GROUP BY project_id, hour
) AS ledger
LEFT JOIN
(
    SELECT project_id, hour, max(generation) AS newest, argMax(version, generation) AS version
    FROM rollup_hours
    GROUP BY project_id, hour
) AS header
    ON ledger.project_id = header.project_id AND ledger.hour = header.hour
WHERE ledger.version != header.version
    AND ledger.hour <= fromUnixTimestamp({over:Int64})
    AND (ledger.changed <= fromUnixTimestamp({quiet:Int64}) OR header.newest <= {waited:UInt64})
ORDER BY toMonday(ledger.hour), project, start
LIMIT {most:UInt32}

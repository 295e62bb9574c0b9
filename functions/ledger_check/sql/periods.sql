-- What was accepted of a project and what became of it, by when it was accepted: records, events by ingest's count, rows, rejected
-- events. FINAL counts a record that was delivered twice once. By period. Parameters: most.
SELECT /*bucket*/ AS period, count() AS records, sum(eventcount) AS accepted, sum(rows) AS stored, sum(rejected) AS refused
FROM batches FINAL
WHERE /*scope*/ AND position >= 0
GROUP BY period
ORDER BY period
LIMIT {most:UInt32}

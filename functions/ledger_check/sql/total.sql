-- What was accepted of a project in a range and what became of it: records, events by ingest's count, rows, rejected events.
-- FINAL counts a record that was delivered twice once. One row.
SELECT /*bucket*/ AS period, count() AS records, sum(eventcount) AS accepted, sum(rows) AS stored, sum(rejected) AS refused
FROM batches FINAL
WHERE /*scope*/ AND position >= 0

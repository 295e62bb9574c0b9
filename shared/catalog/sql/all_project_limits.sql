-- All limits of every project that has some of its own.
SELECT project_id, ingest_rate, read_rate, events_per_day, query_rows, query_at_once, query_budget
FROM project_limits
LIMIT 10000

-- The limits of every project that has some of its own.
SELECT project_id, ingest_rate, read_rate, events_per_day FROM project_limits LIMIT 10000

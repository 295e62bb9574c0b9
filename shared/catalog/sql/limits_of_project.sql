-- The limits that a project has of its own; null where the instance's hold. Parameter: project_id.
SELECT ingest_rate, read_rate, events_per_day, query_rows, query_at_once, query_budget
FROM project_limits
WHERE project_id = %(project_id)s

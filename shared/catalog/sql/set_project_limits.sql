-- Give a project limits of its own, in place of those it had. Parameters: project_id, ingest_rate, read_rate,
-- events_per_day, query_rows, query_at_once, query_budget (NULL for the instance's own).
INSERT INTO project_limits
    (project_id, ingest_rate, read_rate, events_per_day, query_rows, query_at_once, query_budget)
VALUES (
    %(project_id)s, %(ingest_rate)s, %(read_rate)s, %(events_per_day)s,
    %(query_rows)s, %(query_at_once)s, %(query_budget)s
)
ON CONFLICT (project_id) DO UPDATE SET ingest_rate = EXCLUDED.ingest_rate, read_rate = EXCLUDED.read_rate,
    events_per_day = EXCLUDED.events_per_day, query_rows = EXCLUDED.query_rows,
    query_at_once = EXCLUDED.query_at_once, query_budget = EXCLUDED.query_budget, updated_at = now()
RETURNING project_id, ingest_rate, read_rate, events_per_day, query_rows, query_at_once, query_budget

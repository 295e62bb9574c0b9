-- Give a project limits of its own, in place of those it had. Parameters: project_id, ingest_rate, read_rate,
-- events_per_day (NULL for the instance's own).
INSERT INTO project_limits (project_id, ingest_rate, read_rate, events_per_day)
VALUES (%(project_id)s, %(ingest_rate)s, %(read_rate)s, %(events_per_day)s)
ON CONFLICT (project_id) DO UPDATE SET ingest_rate = EXCLUDED.ingest_rate, read_rate = EXCLUDED.read_rate,
    events_per_day = EXCLUDED.events_per_day, updated_at = now()
RETURNING project_id, ingest_rate, read_rate, events_per_day

-- A day on which events were missing: a row with nothing in it, for its score. Parameters: project_id, day, events, profile.
INSERT INTO quality_days (project_id, day, event, profile)
SELECT %(project_id)s, %(day)s, event, %(profile)s FROM unnest(%(events)s::text[]) AS rows (event)
ON CONFLICT (project_id, day, event) DO NOTHING

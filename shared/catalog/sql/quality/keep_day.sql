-- What the events of a day were like. Parameters: project_id, day, events and profiles (of the same length).
INSERT INTO quality_days AS kept (project_id, day, event, profile)
SELECT %(project_id)s, %(day)s, event, profile FROM unnest(%(events)s::text[], %(profiles)s::text[]) AS rows (event, profile)
ON CONFLICT (project_id, day, event) DO UPDATE SET profile = excluded.profile

-- Add retention rules. Parameters: project_id, events and days (arrays of the same length; null days are for ever).
INSERT INTO retention_rules (project_id, event, days)
SELECT %(project_id)s, event, days FROM unnest(%(events)s::text[], %(days)s::integer[]) AS rule (event, days)

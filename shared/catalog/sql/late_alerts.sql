-- Which of some rules took a step that was told at or after a time: what they fired of then is known. Parameters: ids,
-- since.
SELECT DISTINCT alert_id FROM alert_changes
WHERE alert_id = ANY(%(ids)s::uuid[]) AND at >= %(since)s AND (before = 'firing' OR after = 'firing')

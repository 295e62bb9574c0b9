-- The scores of a day. Parameters: project_id, day, events, scores and penalties (of the same length).
UPDATE quality_days AS kept
SET score = rows.score, penalties = rows.penalties
FROM unnest(%(events)s::text[], %(scores)s::real[], %(penalties)s::text[]) AS rows (event, score, penalties)
WHERE kept.project_id = %(project_id)s AND kept.day = %(day)s AND kept.event = rows.event

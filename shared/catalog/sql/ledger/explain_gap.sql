-- So many more of a gap's places are explained; it is closed once all are. Parameters: id, places, by.
UPDATE ledger_gaps
SET
    explained = explained + %(places)s,
    closed_at = CASE WHEN explained + %(places)s > last_offset - first_offset THEN now() END,
    closed_by = CASE WHEN explained + %(places)s > last_offset - first_offset THEN %(by)s ELSE closed_by END
WHERE id = %(id)s AND closed_at IS NULL
RETURNING id

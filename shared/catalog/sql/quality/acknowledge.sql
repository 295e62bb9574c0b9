-- Somebody knows of a finding; the first one stays. Parameters: id, project_id, by, note.
UPDATE quality_findings
SET acknowledged_at = coalesce(acknowledged_at, clock_timestamp()),
    acknowledged_by = CASE WHEN acknowledged_at IS NULL THEN %(by)s ELSE acknowledged_by END,
    note = %(note)s
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, kind, event, property, value, expected, detail, opened_at, seen_at, closed_at, acknowledged_at, acknowledged_by, note

-- Rejected events in which an id may be: it stands there as it is, or something is escaped or packed. Each with its key,
-- what was sent and how that is kept. Parameters: project, ids (an array of texts), bound by shared.warehouse.personal.
SELECT concat(toString(batch_id), ':', toString(position)), raw, raw_encoding
FROM rejected_events
WHERE project_id = /*project*/
    AND (multiSearchAny(raw, /*ids*/) OR position(raw, '\\') > 0 OR raw_encoding = 'base64')

-- Rejected events of a condition, with what was sent. Parameters are those of the condition.
SELECT batch_id, position, received_at, reason, detail, event, raw, raw_encoding
FROM rejected_events FINAL
WHERE /*where*/
ORDER BY received_at, batch_id, position

-- Refused payloads of the last days, likewise. Parameters as in sample.sql.
SELECT raw
FROM rejected_events FINAL
WHERE project_id = /*project*/ AND received_at >= /*since*/ AND raw_encoding = 'utf-8'
ORDER BY cityHash64(batch_id, position, 'scan')
LIMIT /*most*/

-- Whether something waits to be told for no other reason than that more may come. Parameters: now, ripe.
SELECT id FROM incident_notices
WHERE batch_id IS NULL AND noted_at > %(ripe)s::timestamptz AND noted_at <= %(now)s::timestamptz LIMIT 1

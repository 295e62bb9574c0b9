-- How many events were refused for each reason, the most frequent first, and when the first and the last one came.
-- Parameters are bound by shared.query.scope; FINAL counts an event whose record was delivered twice once.
SELECT reason, count(), toUnixTimestamp64Micro(min(received_at)), toUnixTimestamp64Micro(max(received_at))
FROM rejected_events FINAL
WHERE /*scope*/
GROUP BY reason
ORDER BY count() DESC, reason

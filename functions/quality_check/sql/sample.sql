-- Properties of one event as they were sent, in an order that has nothing to do with what is in them, the same every time.
SELECT properties_raw
FROM events FINAL
WHERE /*scope*/
ORDER BY cityHash64(event_id, 'sample'), event_id
LIMIT /*most*/

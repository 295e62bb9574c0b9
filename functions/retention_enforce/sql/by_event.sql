-- How many events are due by name, each once and with repeats; those with the most rows. Parameters as in due_events.sql.
SELECT event, uniqExact((timestamp, user_key, event_id)), count() AS rows
FROM events
WHERE /*where*/
GROUP BY event
ORDER BY rows DESC, event
LIMIT 100

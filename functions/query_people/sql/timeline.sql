-- The keys of a person's events, the newest first, each once. Repeats of an event share all five parts of its key, so
-- grouping by it does what FINAL would do, and reads only what is this person's.
-- Parameters are bound by functions.query_people.timeline.
SELECT toUnixTimestamp64Micro(timestamp), toString(event_id), event, user_key
FROM events
WHERE /*scope*/
    AND user_key IN /*keys*/
    AND cityHash64(user_key) IN arrayMap(key -> cityHash64(key), /*keys*/)
GROUP BY timestamp, event_id, event, user_key
ORDER BY timestamp DESC, toString(event_id) DESC, event DESC, user_key DESC
LIMIT /*limit*/

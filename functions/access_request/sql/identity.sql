-- What events said of who the person is and what they are like, in the order in which it counts. Parameters as in events.sql.
SELECT timestamp, event_id, event, user_key, from_keys, to_key, changes
FROM identity_events FINAL
WHERE project_id = /*project*/ AND (user_key IN /*keys*/ OR hasAny(from_keys, /*keys*/))
ORDER BY timestamp, toString(event_id), toString(event), user_key

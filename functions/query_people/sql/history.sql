-- What one person's events say of their profile and their ids, in the order in which it counts.
-- Parameters are bound by functions.query_people.person.
SELECT
    toUnixTimestamp64Micro(timestamp), toString(event_id), event, user_key, from_keys, to_key, changes
FROM identity_events FINAL
WHERE project_id = /*project*/ AND user_key IN /*keys*/
ORDER BY timestamp, toString(event_id), toString(event), user_key
LIMIT /*most*/

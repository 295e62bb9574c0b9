-- Events of the last days in an order that has nothing to do with what is in them, the same every time it is asked.
-- Parameters: project, since, most, bound by functions.pii.logic.
SELECT event, user_id, anonymous_id, url, ip, properties_raw, context_raw
FROM events FINAL
WHERE project_id = /*project*/ AND timestamp >= /*since*/
ORDER BY cityHash64(event_id, 'scan')
LIMIT /*most*/

-- Amplitude's Export API and S3 export: one event a line, times in UTC. What Amplitude adds to an event is kept
-- together in the property `amplitude`, without the address of the sender.
-- format: ndjson
-- columns: event_type VARCHAR, user_id VARCHAR, device_id VARCHAR, session_id VARCHAR, event_time VARCHAR, uuid VARCHAR, event_properties JSON
event_type AS event,
user_id AS user_id,
device_id AS anonymous_id,
CASE WHEN TRY_CAST(session_id AS BIGINT) > 0 THEN session_id END AS session_id,
event_time AS timestamp,
uuid AS id,
coalesce(event_properties, '{}'::JSON) AS properties,
json_merge_patch('{}', json_merge_patch(to_json(source), '{
    "event_type": null, "user_id": null, "device_id": null, "session_id": null, "event_time": null, "uuid": null,
    "event_properties": null, "ip_address": null
}')) AS amplitude

-- PostHog's batch export of events, JSON lines or Parquet (there the properties are texts that hold JSON). A
-- distinct_id that is the device's own id is nobody yet. The address in `$ip` goes into the context alone: ingest
-- finds its country and stores it without its last part.
-- columns: uuid VARCHAR, event VARCHAR, distinct_id VARCHAR, timestamp VARCHAR, properties JSON, person_id VARCHAR, person_properties JSON, elements_chain VARCHAR
event AS event,
CASE json_type(properties) WHEN 'VARCHAR' THEN CAST(properties->>'$' AS JSON) ELSE properties END AS _properties,
_properties->>'$."$device_id"' AS _device,
CASE WHEN distinct_id IS DISTINCT FROM _device THEN distinct_id END AS user_id,
_device AS anonymous_id,
_properties->>'$."$session_id"' AS session_id,
timestamp AS timestamp,
uuid AS id,
CASE
    WHEN json_exists(_properties, '$."$ip"') THEN json_merge_patch(_properties, '{"$ip": null}')
    ELSE coalesce(_properties, '{}'::JSON)
END AS properties,
json_merge_patch('{}', to_json({
    'ip': _properties->>'$."$ip"',
    'userAgent': _properties->>'$."$raw_user_agent"',
    'page': {'url': _properties->>'$."$current_url"', 'referrer': _properties->>'$."$referrer"'}
})) AS context,
CASE json_type(person_properties)
    WHEN 'VARCHAR' THEN CAST(person_properties->>'$' AS JSON) ELSE person_properties
END AS _person,
json_merge_patch('{}', to_json({
    'person_id': person_id, 'person_properties': _person, 'elements_chain': nullif(elements_chain, '')
})) AS posthog

-- Google Analytics 4's BigQuery export, as `bq extract` writes it: JSON lines or Parquet. The parameters of an
-- event become its properties; what else is in the row is kept together in the property `ga4`.
-- columns: event_name VARCHAR, event_timestamp VARCHAR, user_id VARCHAR, user_pseudo_id VARCHAR, event_params JSON, user_properties JSON
event_name AS event,
user_id AS user_id,
user_pseudo_id AS anonymous_id,
TRY_CAST(event_timestamp AS BIGINT) AS timestamp,
from_json(event_params, '[{"key": "VARCHAR", "value":
    {"string_value": "VARCHAR", "int_value": "BIGINT", "float_value": "DOUBLE", "double_value": "DOUBLE"}}]') AS _params,
to_json(map_from_entries(list_transform(_params, lambda p: {'k': p.key, 'v': coalesce(
    to_json(p.value.string_value), to_json(p.value.int_value), to_json(p.value.float_value),
    to_json(p.value.double_value))}))) AS _properties,
user_pseudo_id || '.' || (_properties->>'$.ga_session_id') AS session_id,
coalesce(_properties, '{}'::JSON) AS properties,
json_merge_patch('{}', to_json({
    'page': {'url': _properties->>'$.page_location', 'referrer': _properties->>'$.page_referrer'}
})) AS context,
json_merge_patch('{}', json_merge_patch(to_json(source), '{
    "event_name": null, "event_timestamp": null, "user_id": null, "user_pseudo_id": null, "event_params": null
}')) AS ga4

-- Mixpanel's raw event export: one {"event", "properties"} a line, `time` in seconds (some exports: milliseconds).
-- Projects made before 2023 export `time` in the project's own timezone: give it with --timezone.
-- format: ndjson
-- columns: event VARCHAR, properties JSON
event AS event,
properties->>'$.distinct_id' AS _person,
coalesce(
    nullif(properties->>'$."$user_id"', ''),
    CASE WHEN _person NOT LIKE '$device:%' THEN _person END
) AS user_id,
coalesce(
    nullif(properties->>'$."$device_id"', ''),
    CASE WHEN _person LIKE '$device:%' THEN substr(_person, 9) END
) AS anonymous_id,
TRY_CAST(properties->>'$.time' AS BIGINT) AS _time,
make_timestamp(CASE WHEN _time < 100000000000 THEN _time * 1000000 ELSE _time * 1000 END)
    AT TIME ZONE getvariable('timezone') AS timestamp,
properties->>'$."$insert_id"' AS id,
properties AS properties

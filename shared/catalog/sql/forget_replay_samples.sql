-- Forget what people sent in the samples of dry runs, twelve hours after. No parameters.
UPDATE jobs SET
    -- json, not jsonb, which refuses a sample that holds a null character
    result = (SELECT coalesce(json_object_agg(key, value), '{}') FROM json_each(result::json) WHERE key <> 'samples')::text,
    checkpoint = NULL
WHERE kind = 'replay' AND finished_at < now() - interval '12 hours' AND checkpoint IS NOT NULL

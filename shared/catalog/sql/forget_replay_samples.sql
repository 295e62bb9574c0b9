-- Forget what people sent in the samples of dry runs, twelve hours after. No parameters.
UPDATE jobs SET result = (result::jsonb - 'samples')::text, checkpoint = NULL
WHERE kind = 'replay' AND finished_at < now() - interval '12 hours' AND checkpoint IS NOT NULL

-- Forget what people sent in the samples of dry runs, twelve hours after. jsonb refuses an escaped null character, which a
-- sample may hold; in its place stands another escape of the same length. No parameters.
UPDATE jobs SET result = (replace(result, '\u0000', '\ufffd')::jsonb - 'samples')::text, checkpoint = NULL
WHERE kind = 'replay' AND finished_at < now() - interval '12 hours' AND checkpoint IS NOT NULL

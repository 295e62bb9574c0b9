-- The dead letters whose id begins with a text, with their data; two are enough to see that it is not clear.
-- Parameters: beginning.
SELECT id, event_type, sink, dest, code, reason, detail, resent, since, attributes, data, size
FROM dead_letters
WHERE starts_with(id::text, %(beginning)s)
ORDER BY id
LIMIT 2

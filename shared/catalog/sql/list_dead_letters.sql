-- The dead letters kept for people, the oldest first, without their data.
-- Parameters: most.
SELECT id, event_type, sink, dest, code, reason, detail, resent, since, attributes, ''::bytea AS data, size
FROM dead_letters
ORDER BY since, id
LIMIT %(most)s

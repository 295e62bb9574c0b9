-- The names of events, the most frequent first: how many there are, when the first and the last one happened.
-- Parameters are bound by shared.query.scope; FINAL counts an event that was stored twice once.
SELECT name, hits, first_seen, last_seen, substringUTF8(name, 1, 100), cityHash64(name)
FROM (
    SELECT
        toString(event) AS name,
        count() AS hits,
        toUnixTimestamp64Micro(min(timestamp)) AS first_seen,
        toUnixTimestamp64Micro(max(timestamp)) AS last_seen
    FROM events FINAL
    WHERE /*scope*/
    GROUP BY name
)
WHERE /*after*/
ORDER BY hits DESC, substringUTF8(name, 1, 100), cityHash64(name)
LIMIT /*limit*/

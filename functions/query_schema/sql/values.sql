-- The values of one column or property as texts, the most frequent first, with how many events have each.
-- Parameters are bound by shared.query.scope; FINAL counts an event that was stored twice once.
SELECT name, hits, substringUTF8(name, 1, 100), cityHash64(name)
FROM (
    SELECT toString(/*text*/) AS name, count() AS hits
    FROM events FINAL
    WHERE /*scope*/
        AND /*present*/
        AND /*prefix*/
    GROUP BY name
)
WHERE /*after*/
ORDER BY hits DESC, substringUTF8(name, 1, 100), cityHash64(name)
LIMIT /*limit*/

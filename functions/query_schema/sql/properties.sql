-- The paths in the properties, those that most events have first, and how many events have a value of each type there.
-- Parameters are bound by shared.query.scope; FINAL counts an event that was stored twice once.
SELECT name, hits, types, substringUTF8(name, 1, 100), cityHash64(name)
FROM (
    SELECT name, sum(rows) AS hits, groupArray((type, rows)) AS types
    FROM (
        SELECT tupleElement(entry, 1) AS name, tupleElement(entry, 2) AS type, count() AS rows
        FROM (
            SELECT arrayJoin(CAST(JSONAllPathsWithTypes(properties), 'Array(Tuple(String, String))')) AS entry
            FROM events FINAL
            WHERE /*scope*/
        )
        WHERE /*prefix*/
        GROUP BY name, type
    )
    GROUP BY name
)
WHERE /*after*/
ORDER BY hits DESC, substringUTF8(name, 1, 100), cityHash64(name)
LIMIT /*limit*/

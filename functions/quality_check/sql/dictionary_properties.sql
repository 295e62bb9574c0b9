-- The paths in an event's properties, those that most events have first: how many have a value of each type, the first and the last time.
SELECT name, sum(rows) AS volume, toUnixTimestamp64Micro(min(first)), toUnixTimestamp64Micro(max(last)), groupArray((type, rows)) AS types
FROM
(
    SELECT tupleElement(entry, 1) AS name, tupleElement(entry, 2) AS type, count() AS rows, min(timestamp) AS first, max(timestamp) AS last
    FROM
    (
        SELECT timestamp, arrayJoin(CAST(JSONAllPathsWithTypes(properties), 'Array(Tuple(String, String))')) AS entry
        FROM events FINAL
        WHERE /*scope*/
    )
    GROUP BY name, type
)
GROUP BY name
ORDER BY volume DESC, name
LIMIT /*most*/

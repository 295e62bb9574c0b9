-- Of these events, one in so many of each (`names`, `every`): how many have a value of each type at each path that is not too
-- long to be kept. A row without a type says how many were looked at.
SELECT name, tupleElement(entry, 1) AS path, tupleElement(entry, 2) AS type, count() AS rows
FROM
(
    SELECT
        toString(event) AS name,
        arrayJoin(arrayConcat([('', '')], CAST(JSONAllPathsWithTypes(properties), 'Array(Tuple(String, String))'))) AS entry
    FROM events FINAL
    WHERE /*scope*/
        AND cityHash64(event_id, 'look') % transform(toString(event), /*names*/, /*every*/, 1) = 0
)
WHERE lengthUTF8(path) <= 400
GROUP BY name, path, type
ORDER BY name, type = '' DESC, rows DESC, path, type
LIMIT /*most*/ BY name

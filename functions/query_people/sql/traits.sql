-- What is computed of one person: of everything, and of each event by name, the most frequent first after everything.
-- Parameters are bound by functions.query_people.person.
SELECT
    event,
    grouping(event) AS whole,
    count() AS n,
    toUnixTimestamp64Micro(min(timestamp)),
    toUnixTimestamp64Micro(max(timestamp)),
    uniqExactIf(session_id, session_id != ''),
    uniqExact(toDate(timestamp)),
    arrayMap(
        pair -> (pair.1, round(pair.2, 6)),
        arrayZip(
            mapKeys(sumMapIf(map(toString(currency), ifNull(revenue, 0)), revenue IS NOT NULL) AS sums), mapValues(sums)
        )
    )
FROM
(
    SELECT event, timestamp, session_id, revenue, currency
    FROM events
    WHERE project_id = /*project*/
        AND user_key IN /*keys*/
        AND cityHash64(user_key) IN arrayMap(key -> cityHash64(key), /*keys*/)
    ORDER BY received_at DESC
    LIMIT 1 BY timestamp, event_id, event, user_key
)
GROUP BY GROUPING SETS ((event), ())
ORDER BY whole DESC, n DESC, event
LIMIT /*most*/

-- A person's sessions, the newest first, by the rule of shared.query.sessions: the events of one session_id, or of none, in
-- the order of time, cut where a pause is longer than allowed. Repeats of an event share all parts of its key.
-- Parameters are bound by functions.query_people.sessions.
SELECT
    session_id,
    toUnixTimestamp64Micro(min(timestamp)) AS started,
    toUnixTimestamp64Micro(max(timestamp)) AS ended,
    count() AS events,
    uniqExact(intDiv(toUnixTimestamp64Micro(timestamp), 60000000)) * 60 AS active,
    argMinIf(path, (timestamp, id, event), path != '') AS entry,
    argMaxIf(path, (timestamp, id, event), path != '') AS exit
FROM
(
    SELECT *, sum(begins) OVER (PARTITION BY session_id ORDER BY timestamp, id, event ROWS UNBOUNDED PRECEDING) AS place
    FROM
    (
        SELECT
            *,
            toUnixTimestamp64Micro(timestamp)
                - toUnixTimestamp64Micro(
                    lagInFrame(timestamp, 1, timestamp) OVER (
                        PARTITION BY session_id ORDER BY timestamp, id, event ROWS UNBOUNDED PRECEDING
                    )
                ) > 1000000 * if(session_id = '', toInt64(/*gap*/), toInt64(/*longest*/)) AS begins
        FROM
        (
            SELECT timestamp, event_id AS id, event, session_id, path
            FROM events
            WHERE /*scope*/
                AND user_key IN /*keys*/
                AND cityHash64(user_key) IN arrayMap(key -> cityHash64(key), /*keys*/)
            ORDER BY received_at DESC
            LIMIT 1 BY timestamp, event_id, event, user_key
        )
    )
)
GROUP BY session_id, place
HAVING /*after*/
ORDER BY started DESC, session_id DESC
LIMIT /*limit*/

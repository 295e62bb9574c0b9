-- Events received in each minute of a range, by name: the hundred most frequent of a minute, and how many all are.
-- Minutes are whole minutes since 1970. Parameters are bound by shared.query.scope; FINAL counts an event that was
-- stored twice once. Repeats of an event share its day: FINAL reads the days on which something received in the range
-- happened, and no others.
SELECT minute, event, events, sum(events) OVER (PARTITION BY minute) AS total
FROM (
    SELECT intDiv(toUnixTimestamp(received_at), 60) AS minute, event, count() AS events
    FROM events FINAL
    WHERE /*scope*/
        AND toDate(timestamp) IN (SELECT toDate(timestamp) FROM events WHERE /*scope*/)
    GROUP BY minute, event
)
ORDER BY minute, events DESC, event
LIMIT 100 BY minute

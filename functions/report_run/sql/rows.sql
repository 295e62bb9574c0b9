-- How often each event came in a range, the most frequent first, ties by name; at most as many as a report shows.
-- Parameters are bound by shared.query.scope and functions.report_run.numbers.
SELECT event, count() AS events
FROM events FINAL
WHERE /*scope*/
GROUP BY event
ORDER BY events DESC, event
LIMIT /*most*/

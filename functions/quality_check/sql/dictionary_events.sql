-- The names of events, the most frequent first: how many there are, when the first and the last one happened.
SELECT toString(event) AS name, count() AS volume, toUnixTimestamp64Micro(min(timestamp)), toUnixTimestamp64Micro(max(timestamp))
FROM events FINAL
WHERE /*scope*/
GROUP BY name
ORDER BY volume DESC, name
LIMIT /*most*/

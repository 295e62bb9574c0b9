-- Refused events of a day, by names that events may have: how many, and how many because they are not as their schema says.
SELECT event AS name, count() AS refused, countIf(reason = 'schema_mismatch') AS mismatched
FROM rejected_events FINAL
WHERE /*scope*/ AND event != '' AND lengthUTF8(event) <= 200 AND position(event, '\0') = 0
GROUP BY name
ORDER BY refused DESC, name
LIMIT /*most*/

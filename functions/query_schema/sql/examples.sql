-- The same among all events, for properties that only some of them have: up to three different values of each.
SELECT /*examples*/
FROM events FINAL
WHERE /*scope*/

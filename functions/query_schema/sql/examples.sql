-- Up to three different values of each property, as JSON; long ones are left out.
SELECT /*examples*/
FROM events FINAL
WHERE /*scope*/

-- Up to three different values of each property, as JSON, among the first events at hand; long ones are left out.
SELECT /*examples*/
FROM (
    SELECT properties
    FROM events FINAL
    WHERE /*scope*/
    LIMIT 10000
)

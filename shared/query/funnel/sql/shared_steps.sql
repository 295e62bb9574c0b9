-- Whether any event can be more than one of the steps.
SELECT 1
FROM
(
    SELECT /*columns*/
    FROM /*rows*/
)
WHERE bitCount(mask) > 1
LIMIT 1

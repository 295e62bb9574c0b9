-- The events of each person in the order of time; `moment` in microseconds, `mask` says which steps an event can be.
SELECT subject/*hold*/, arraySort(groupArray((moment, mask))) AS sorted
FROM
(
    SELECT /*columns*/
    FROM /*rows*/
)
WHERE mask > 0
GROUP BY subject/*hold*/

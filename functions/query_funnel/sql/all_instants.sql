-- All events of each person, one an instant, also those that are no step: between two steps in a row lies none of them.
SELECT subject/*hold*/, arraySort(groupArray((moment, together))) AS sorted
FROM
(
    SELECT subject/*hold*/, moment, groupBitOr(mask) AS together
    FROM
    (
        SELECT /*columns*/
        FROM /*rows*/
    )
    GROUP BY subject/*hold*/, moment
)
GROUP BY subject/*hold*/

-- All events of each person, one an instant, also those that are no step: between two steps in a row lies none of them.
SELECT
    subject/*hold*/,
    arrayMap(
        instant -> (instant[1].1, arrayReduce('groupBitOr', arrayMap(event -> event.2, instant))),
        arraySplit((event, pause) -> pause > 0, events, arrayDifference(arrayMap(event -> event.1, events)))
    ) AS sorted
FROM
(
    SELECT subject/*hold*/, arraySort(groupArray((moment, mask))) AS events
    FROM
    (
        SELECT /*columns*/
        FROM /*rows*/
    )
    GROUP BY subject/*hold*/
)

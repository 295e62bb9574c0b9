-- The events of each person where ties count: those of one instant as a sequence of single steps, each event one of them
-- (shared/query/funnel/ties.py). One event alone is its steps from the last to the first, events of one step each are
-- these steps; what is neither was looked up before, in signatures.sql.
SELECT
    subject/*hold*/,
    arrayFlatten(arrayMap(here -> arrayMap(step -> (here.1, step), here.2), arraySort(groupArray((moment, steps))))) AS sorted
FROM
(
    SELECT
        subject/*hold*/,
        moment,
        arrayConcat(
            multiIf(
                /*known*/
                length(events) = 1 AND events[1].2 = 1, arrayReverse(bitmaskToArray(events[1].1)),
                arrayMap(event -> event.1, events)
            ),
            bitmaskToArray(barring)
        ) AS steps
    FROM
    (
/*instants*/
    )
)
GROUP BY subject/*hold*/

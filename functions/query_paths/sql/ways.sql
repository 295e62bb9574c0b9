-- How many people went from one value to the next at each step, 0 following the last step of a way that ends early; a link is
-- its step, value and next one in one number. And the ways most people went, whole, ties in the order of their values.
SELECT
    sumMap(
        arrayMap(
            (here, step) -> bitShiftLeft(toUInt64(step), 32) + bitShiftLeft(toUInt64(here), 16) + way[step + 1],
            way,
            arrayEnumerate(way)
        ),
        arrayMap(here -> number, way)
    ) AS links,
    groupArraySortedIf(/*limit*/)((-toInt64(number), way), number >= /*support*/) AS whole
FROM
(
    SELECT way, count() AS number
    FROM /*walks*/
    GROUP BY way
)

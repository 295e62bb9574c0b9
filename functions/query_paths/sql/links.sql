-- How many people went from one value to the next at each step; 0 follows the last step of a way that ends early.
SELECT step, here, next, count() AS people
FROM
(
    SELECT arrayJoin(arrayMap((here, step) -> (step, here, way[step + 1]), way, arrayEnumerate(way))) AS link,
        link.1 AS step, link.2 AS here, link.3 AS next
    FROM /*walks*/
)
GROUP BY step, here, next

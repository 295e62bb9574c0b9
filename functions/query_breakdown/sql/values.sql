-- A measure of each group (its place among the largest, or the rest), and of everything.
-- `whole` is 1 in the row of everything, which is there without events too or not at all. In no order.
SELECT /*place*/ AS place, grouping(place) AS whole, /*measure*/ AS value
FROM /*rows*/
GROUP BY GROUPING SETS ((place), ())

-- The parts of one partition in which every row is one of a condition. Parameters as in rows_by_partition.sql.
SELECT _part
FROM /*table*/
WHERE _partition_id = '/*partition*/'
GROUP BY _part
HAVING countIf(NOT (/*where*/)) = 0
ORDER BY _part

-- How many rows of a condition each partition has, repeats too. Parameters are bound by whoever made the condition.
SELECT _partition_id, count()
FROM /*table*/
WHERE /*where*/
GROUP BY _partition_id
ORDER BY _partition_id

-- Which rows of these records the warehouse refused, by their place in the record.
SELECT toString(batch_id), position
FROM rejected_events FINAL
WHERE project_id = /*project*/ AND batch_id >= /*first*/ AND batch_id <= /*last*/ AND source = 'store'

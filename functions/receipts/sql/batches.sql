-- The records of a receipt that are in the warehouse: how many rows each has, and when it came and was stored.
-- The ids of a receipt follow one another, so a range finds them by the key. FINAL: the last delivery counts.
SELECT
    toString(batch_id),
    rows,
    rejected,
    toUnixTimestamp64Micro(received_at),
    toUnixTimestamp64Micro(stored_at)
FROM batches FINAL
WHERE project_id = /*project*/ AND batch_id >= /*first*/ AND batch_id <= /*last*/

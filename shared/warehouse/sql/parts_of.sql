-- The parts of some partitions that are on the disk, those in use first: also patches, which say which rows are gone by
-- their keys. Parameters: table, partitions.
SELECT extract(partition_id, '^(?:patch-[0-9a-f]+-)?(.*)$') AS partition, name, active
FROM system.parts
WHERE database = currentDatabase() AND table = {table:String} AND partition IN {partitions:Array(String)}
ORDER BY active DESC, name

-- The partitions of a table in which a mutation runs whose text has a mark. Parameters: table, mark.
SELECT extract(command, 'IN PARTITION ID .([0-9A-Za-z_-]+)')
FROM system.mutations
WHERE NOT is_done AND database = currentDatabase() AND table = {table:String} AND position(command, {mark:String}) > 0

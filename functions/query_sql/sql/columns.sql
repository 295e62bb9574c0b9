-- The columns of the stored tables a project may name, in their order.
-- Parameters: tables.
SELECT table, name, type
FROM system.columns
WHERE database = currentDatabase() AND table IN /*tables*/
ORDER BY table, position

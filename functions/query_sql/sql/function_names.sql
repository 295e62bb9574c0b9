-- The names of the engine's functions, in no order.
SELECT name FROM system.functions

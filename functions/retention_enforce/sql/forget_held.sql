-- The end of what held_stale.sql counts.
DELETE FROM held_keys WHERE made_at < now() - INTERVAL 1 DAY

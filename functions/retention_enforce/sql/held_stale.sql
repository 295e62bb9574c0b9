-- Keys that a run left behind; no run lasts so long. No parameters.
SELECT count() FROM held_keys WHERE made_at < now() - INTERVAL 1 DAY

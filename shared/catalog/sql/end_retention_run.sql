-- Whoever ran it says that nothing of it is under way any more. Parameter: id.
UPDATE retention_runs SET ended = true WHERE id = %(id)s

-- A run is done: its hours are in the ledger and what is left was counted. Parameters: id, at, dropped_parts, left_rows.
UPDATE retention_runs SET
    state = 'completed', finished_at = %(at)s, hours = '[]', left_rows = %(left_rows)s,
    dropped_parts = dropped_parts + %(dropped_parts)s
WHERE id = %(id)s AND state = 'started'

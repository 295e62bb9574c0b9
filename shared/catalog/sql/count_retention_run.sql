-- What a run that has begun is going to drop. Parameters: id, hours (JSON), hour_count, events, rows, rejected, held_rows.
UPDATE retention_runs SET
    hours = %(hours)s, hour_count = %(hour_count)s, events = %(events)s, rows = %(rows)s, rejected = %(rejected)s,
    held_rows = %(held_rows)s
WHERE id = %(id)s AND state = 'started'

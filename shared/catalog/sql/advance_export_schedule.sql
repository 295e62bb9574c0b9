-- A window of a schedule has its job; no row where another scheduler was first. Parameters: id, start (as it was), done
-- (the window's end).
UPDATE export_schedules SET next_start = %(done)s WHERE id = %(id)s AND next_start = %(start)s RETURNING id

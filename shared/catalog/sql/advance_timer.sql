-- A window of a timer is done; no row where the timer is not ours any more, or has another schedule by now.
-- Parameters: name, item, lease, watermark (as it was taken), done (the window's end), due_at.
UPDATE timers SET watermark = %(done)s, due_at = %(due_at)s, attempts = 0, error = NULL
WHERE name = %(name)s AND item = %(item)s AND lease = %(lease)s AND watermark = %(watermark)s
RETURNING item

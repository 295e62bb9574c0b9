-- Windows of many timers are done; no row for a timer that is not ours any more, or has another schedule by now.
-- Parameters: name, lease; timers, a JSON array of item, watermark (as it was taken), done (the window's end), due_at.
UPDATE timers SET watermark = given.done, due_at = given.due_at, attempts = 0, error = NULL
FROM jsonb_to_recordset(%(timers)s::jsonb) AS given (
    item text, watermark timestamptz, done timestamptz, due_at timestamptz
)
WHERE timers.name = %(name)s AND timers.item = given.item AND lease = %(lease)s AND timers.watermark = given.watermark
RETURNING timers.item

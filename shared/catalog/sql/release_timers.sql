-- Let go of many timers; with an error, a timer is due again only at retry_at and counts as another attempt.
-- Parameters: name, lease; timers, a JSON array of item, error (null for none), faults, retry_at (null for none).
UPDATE timers SET
    lease = NULL, lease_until = NULL, error = coalesce(given.error, timers.error), attempts = attempts + given.faults,
    due_at = coalesce(given.retry_at, due_at)
FROM jsonb_to_recordset(%(timers)s::jsonb) AS given (item text, error text, faults integer, retry_at timestamptz)
WHERE timers.name = %(name)s AND timers.item = given.item AND lease = %(lease)s

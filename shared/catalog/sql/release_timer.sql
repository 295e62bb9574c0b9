-- Let go of a timer; with an error, it is due again only at retry_at and counts as another attempt.
-- Parameters: name, item, lease, error (null for none), faults, retry_at (null for none).
UPDATE timers SET
    lease = NULL, lease_until = NULL, error = coalesce(%(error)s, error), attempts = attempts + %(faults)s,
    due_at = coalesce(%(retry_at)s, due_at)
WHERE name = %(name)s AND item = %(item)s AND lease = %(lease)s

-- Take timers that are due and that nobody holds, the longest due first, those of a project together. What is due is the
-- caller's clock's to say, how long it is held the server's. Parameters: name, now, lease, seconds, most.
UPDATE timers SET lease = %(lease)s, lease_until = now() + make_interval(secs => %(seconds)s)
WHERE (name, item) IN (
    SELECT name, item FROM timers
    WHERE name = %(name)s AND due_at <= %(now)s AND (lease_until IS NULL OR lease_until < now())
    ORDER BY due_at, project_id, item LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING item, project_id, cron, timezone, watermark, due_at, attempts

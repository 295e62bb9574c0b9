-- Forget deliveries that ended so many days ago, the oldest first. Parameters: days, most.
DELETE FROM deliveries WHERE id IN (
    SELECT id FROM deliveries
    WHERE state <> 'queued' AND finished_at < now() - make_interval(days => %(days)s)
    ORDER BY finished_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING id

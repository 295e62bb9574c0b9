-- In how many seconds the next delivery is due; null where none waits. No parameters.
SELECT extract(epoch FROM min(greatest(next_at, lease_until)) - now())::double precision AS seconds
FROM deliveries WHERE state = 'queued'

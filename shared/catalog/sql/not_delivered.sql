-- Note that an attempt failed; the next one is due in so many seconds, or was the last (delay null). No row where the delivery is
-- not ours any more. `waiting` counts what waits for the webhook, up to `most` and one more. Parameters: id, lease, delay, took_ms,
-- status, error, answer, most.
WITH tried AS (
    UPDATE deliveries SET
        state = CASE WHEN %(delay)s::double precision IS NULL THEN 'failed' ELSE 'queued' END,
        finished_at = CASE WHEN %(delay)s::double precision IS NULL THEN now() END,
        next_at = now() + make_interval(secs => coalesce(%(delay)s::double precision, 0)),
        error = %(error)s, lease = NULL, lease_until = NULL
    WHERE id = %(id)s AND lease = %(lease)s AND state = 'queued'
    RETURNING id, webhook_id, attempts
), logged AS (
    INSERT INTO delivery_attempts (delivery_id, number, at, took_ms, status, error, answer)
    SELECT id, attempts, now(), %(took_ms)s, %(status)s, %(error)s, %(answer)s FROM tried
), failing AS (
    UPDATE webhooks SET failing_since = coalesce(failing_since, now())
    FROM tried WHERE webhooks.id = tried.webhook_id
    RETURNING failing_since, url
)
SELECT tried.webhook_id, failing.failing_since, failing.url, now() AS now,
    (SELECT count(*) FROM (
        SELECT FROM deliveries WHERE webhook_id = tried.webhook_id AND state = 'queued' LIMIT %(most)s + 1
    ) AS counted) AS waiting
FROM tried LEFT JOIN failing ON true

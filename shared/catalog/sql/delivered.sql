-- Note that a delivery arrived, in its log too; no row where it is not ours any more. What a mail of nobody's project said (a link
-- to a new password) is forgotten. Parameters: id, lease, took_ms, status, answer.
WITH done AS (
    UPDATE deliveries SET
        state = 'delivered', error = '', lease = NULL, lease_until = NULL, finished_at = now(),
        content = CASE WHEN project_id IS NULL THEN '{}' ELSE content END
    WHERE id = %(id)s AND lease = %(lease)s AND state = 'queued'
    RETURNING id, webhook_id, attempts
), logged AS (
    INSERT INTO delivery_attempts (delivery_id, number, at, took_ms, status, answer)
    SELECT id, attempts, now(), %(took_ms)s, %(status)s, %(answer)s FROM done
), well AS (
    UPDATE webhooks SET failing_since = NULL, last_delivered_at = now()
    FROM done
    WHERE webhooks.id = done.webhook_id
        AND (failing_since IS NOT NULL OR last_delivered_at IS NULL OR last_delivered_at < now() - interval '10 seconds')
)
SELECT id FROM done

-- Take deliveries that are due, with a lease. No webhook, and no mail server, has more than `each` under way, one that is failing
-- one, so that who hangs blocks nobody else. Parameters: lease, seconds, each, most.
WITH held AS (
    SELECT webhook_id, count(*) AS under_way FROM deliveries
    WHERE state = 'queued' AND lease_until > now() GROUP BY webhook_id
), due AS (
    SELECT deliveries.id, deliveries.next_at,
        CASE WHEN webhooks.failing_since IS NULL THEN %(each)s ELSE 1 END AS room,
        coalesce(held.under_way, 0) + row_number() OVER (PARTITION BY deliveries.webhook_id ORDER BY next_at, deliveries.id) AS place
    FROM deliveries
        LEFT JOIN webhooks ON webhooks.id = deliveries.webhook_id
        LEFT JOIN held ON held.webhook_id IS NOT DISTINCT FROM deliveries.webhook_id
    WHERE state = 'queued' AND next_at <= now() AND (lease_until IS NULL OR lease_until <= now())
), chosen AS (
    SELECT id FROM due WHERE place <= room ORDER BY place, next_at LIMIT %(most)s
)
UPDATE deliveries SET
    lease = %(lease)s, lease_until = now() + make_interval(secs => %(seconds)s), attempts = attempts + 1, tries = tries + 1
FROM chosen
WHERE deliveries.id = chosen.id AND state = 'queued' AND (lease_until IS NULL OR lease_until <= now())
RETURNING deliveries.id, project_id, webhook_id, address, key, event_type, content, attempts, tries, created_at,
    (SELECT kind FROM webhooks WHERE webhooks.id = webhook_id) AS kind,
    (SELECT options FROM webhooks WHERE webhooks.id = webhook_id) AS options,
    (SELECT url FROM webhooks WHERE webhooks.id = webhook_id) AS url,
    (SELECT secret FROM webhooks WHERE webhooks.id = webhook_id) AS secret,
    (SELECT previous_secret FROM webhooks WHERE webhooks.id = webhook_id AND previous_until > now()) AS previous_secret

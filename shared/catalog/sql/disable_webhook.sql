-- Disable a webhook that does not work; what waits for it has failed. Parameters: id, reason.
WITH disabled AS (
    UPDATE webhooks SET enabled = false, disabled_reason = %(reason)s, updated_at = now()
    WHERE id = %(id)s AND enabled
    RETURNING id
)
UPDATE deliveries SET state = 'failed', error = 'the webhook was disabled', lease = NULL, lease_until = NULL, finished_at = now()
FROM disabled WHERE webhook_id = disabled.id AND state = 'queued'
RETURNING deliveries.id

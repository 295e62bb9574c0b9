-- A delivery to each enabled webhook of a project that is named or has subscribed, unless it is there already. The id of a
-- delivery follows from its webhook's: the caller gives both, in step. Parameters: project_id, webhook_ids, ids, key, event_type,
-- content.
INSERT INTO deliveries (id, project_id, webhook_id, key, event_type, content)
SELECT wanted.id, webhooks.project_id, webhooks.id, %(key)s, %(event_type)s, %(content)s
FROM unnest(%(webhook_ids)s::uuid[], %(ids)s::uuid[]) AS wanted (webhook_id, id)
    JOIN webhooks ON webhooks.id = wanted.webhook_id
WHERE webhooks.project_id = %(project_id)s AND webhooks.enabled
ON CONFLICT (id) DO NOTHING
RETURNING id

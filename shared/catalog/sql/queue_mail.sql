-- A mail to send, unless it is there already or its project is gone. Parameters: id, project_id (null for account mails), address,
-- key, event_type, content.
INSERT INTO deliveries (id, project_id, address, key, event_type, content)
SELECT %(id)s, %(project_id)s, %(address)s, %(key)s, %(event_type)s, %(content)s
WHERE %(project_id)s::uuid IS NULL OR EXISTS (SELECT FROM projects WHERE id = %(project_id)s)
ON CONFLICT (id) DO NOTHING
RETURNING id

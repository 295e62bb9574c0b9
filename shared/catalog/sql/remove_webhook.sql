-- Forget a webhook with its deliveries. Parameters: id, project_id.
DELETE FROM webhooks WHERE id = %(id)s AND project_id = %(project_id)s RETURNING id

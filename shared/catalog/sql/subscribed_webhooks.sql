-- The enabled webhooks of a project that have subscribed to a type. Parameters: project_id, event_type.
SELECT id FROM webhooks WHERE project_id = %(project_id)s AND enabled AND %(event_type)s = ANY (types) ORDER BY id

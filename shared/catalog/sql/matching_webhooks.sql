-- Every webhook that wants events of the stream. No parameters.
SELECT id, project_id, filter FROM webhooks WHERE enabled AND 'event.matched' = ANY (types) ORDER BY id

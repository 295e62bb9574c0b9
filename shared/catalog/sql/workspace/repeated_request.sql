-- What an Idempotency-Key of somebody was used for. Parameters: actor_id, key.
SELECT digest, made_id FROM repeatable_requests WHERE actor_id = %(actor_id)s AND key = %(key)s

-- Claim an Idempotency-Key of somebody for what they are about to make; no row where it was claimed before.
-- Parameters: actor_id, key, digest (of what was asked), made_id.
INSERT INTO repeatable_requests (actor_id, key, digest, made_id)
VALUES (%(actor_id)s, %(key)s, %(digest)s, %(made_id)s)
ON CONFLICT (actor_id, key) DO NOTHING RETURNING made_id

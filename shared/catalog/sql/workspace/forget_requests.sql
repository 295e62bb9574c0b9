-- Forget Idempotency-Keys after a day. No parameter.
DELETE FROM repeatable_requests WHERE created_at < now() - interval '24 hours'

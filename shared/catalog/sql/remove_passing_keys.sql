-- Remove a passing key that is not needed any more, and those whose owner died. Parameter: id (or null).
DELETE FROM api_keys WHERE passing AND (id = %(id)s::uuid OR expires_at < now())

-- Note that a key was used, at most once in five minutes. Parameter: id.
UPDATE api_keys SET last_used_at = now()
WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at < now() - interval '5 minutes')

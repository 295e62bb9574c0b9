-- Note that a key was used, unless that was noted within `seconds`. Parameters: id, seconds.
UPDATE api_keys SET last_used_at = now()
WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => %(seconds)s))

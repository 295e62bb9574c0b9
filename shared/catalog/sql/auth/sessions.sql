-- The sessions of a user that hold, the one used last first. Parameter: user_id.
SELECT id, user_id, kind, method, address, user_agent, created_at, last_used_at, expires_at FROM sessions
WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > now() ORDER BY last_used_at DESC, id LIMIT 500

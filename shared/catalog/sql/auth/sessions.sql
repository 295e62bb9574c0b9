-- A page of the sessions of a user that hold, the one used last first; those after the session `after` where it is given.
-- Parameters: user_id, after, most.
SELECT id, user_id, kind, method, address, user_agent, created_at, last_used_at, expires_at FROM sessions
WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > now()
    AND (%(after)s::uuid IS NULL OR (last_used_at, id) < (
        SELECT before.last_used_at, before.id FROM sessions AS before
        WHERE before.id = %(after)s AND before.user_id = %(user_id)s
    ))
ORDER BY last_used_at DESC, id DESC LIMIT %(most)s

-- The session of a refresh token, used or not. Parameter: token_hash.
SELECT sessions.id AS session_id, sessions.user_id FROM refresh_tokens JOIN sessions ON sessions.id = session_id
WHERE token_hash = %(token_hash)s

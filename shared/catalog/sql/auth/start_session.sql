-- A new session with its first refresh token. Parameters: id, user_id, kind, method, address, user_agent, idle_days,
-- token_hash.
WITH made AS (
    INSERT INTO sessions (id, user_id, kind, method, address, user_agent, expires_at)
    VALUES (%(id)s, %(user_id)s, %(kind)s, %(method)s, %(address)s, %(user_agent)s,
        now() + make_interval(days => %(idle_days)s))
    RETURNING id
), signed_in AS (
    UPDATE users SET last_sign_in_at = now() WHERE id = %(user_id)s
)
INSERT INTO refresh_tokens (token_hash, session_id) SELECT %(token_hash)s, id FROM made

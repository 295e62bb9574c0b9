-- Use a refresh token up and put its successor in its place; the session goes on. Parameters: token_hash, salt,
-- session_id, next_hash, idle_days, most_days.
WITH used AS (
    UPDATE refresh_tokens SET used_at = clock_timestamp(), salt = %(salt)s WHERE token_hash = %(token_hash)s
), seen AS (
    UPDATE sessions SET last_used_at = now(),
        expires_at = least(now() + make_interval(days => %(idle_days)s), created_at + make_interval(days => %(most_days)s))
    WHERE id = %(session_id)s
)
INSERT INTO refresh_tokens (token_hash, session_id) VALUES (%(next_hash)s, %(session_id)s)

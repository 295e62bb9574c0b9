-- Use a mailed token up, once, and with it all others of its purpose; no row where it was used or is over.
-- Parameters: token_hash, purpose.
WITH used AS (
    UPDATE one_time_tokens SET used_at = now()
    WHERE token_hash = %(token_hash)s AND purpose = %(purpose)s AND used_at IS NULL AND expires_at > now()
    RETURNING user_id, purpose, email
), others AS (
    UPDATE one_time_tokens SET used_at = now() FROM used
    WHERE one_time_tokens.user_id = used.user_id AND one_time_tokens.purpose = used.purpose
        AND one_time_tokens.used_at IS NULL AND token_hash <> %(token_hash)s
)
SELECT used.user_id, used.email FROM used JOIN users ON users.id = used.user_id AND lower(users.email) = lower(used.email)

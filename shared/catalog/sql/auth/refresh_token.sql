-- A refresh token with its session, held until the transaction ends: whether the session holds, and for how long the
-- token has been used. Parameter: token_hash.
SELECT refresh_tokens.session_id, refresh_tokens.used_at, refresh_tokens.salt, sessions.user_id, sessions.kind,
    extract(epoch FROM clock_timestamp() - refresh_tokens.used_at)::float AS used_seconds,
    sessions.revoked_at IS NULL AND sessions.expires_at > now() AND users.blocked_at IS NULL AS holds
FROM sessions
JOIN users ON users.id = sessions.user_id
JOIN refresh_tokens ON refresh_tokens.session_id = sessions.id
WHERE refresh_tokens.token_hash = %(token_hash)s
FOR UPDATE OF sessions, refresh_tokens

-- The user of a session that holds. Parameters: user_id, session_id.
SELECT users.id, users.email, users.name, users.language, users.password_hash, users.email_verified_at,
    users.blocked_at, users.totp_secret, users.totp_confirmed_at, users.created_at
FROM users JOIN sessions ON sessions.user_id = users.id AND sessions.id = %(session_id)s
    AND sessions.revoked_at IS NULL AND sessions.expires_at > now()
WHERE users.id = %(user_id)s AND users.blocked_at IS NULL

-- The user with an address. Parameter: email (lower case).
SELECT id, email, name, language, password_hash, email_verified_at, blocked_at, totp_secret, totp_confirmed_at
FROM users WHERE lower(email) = %(email)s

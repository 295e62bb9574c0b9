-- A second factor to be confirmed; no row where one is in force. Parameters: user_id, secret (sealed).
UPDATE users SET totp_secret = %(secret)s, updated_at = now() WHERE id = %(user_id)s AND totp_confirmed_at IS NULL
RETURNING id

-- End a second factor, and its recovery codes. Parameter: user_id.
WITH gone AS (DELETE FROM recovery_codes WHERE user_id = %(user_id)s)
UPDATE users SET totp_secret = NULL, totp_confirmed_at = NULL, updated_at = now()
WHERE id = %(user_id)s RETURNING id

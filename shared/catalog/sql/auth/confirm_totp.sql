-- Put a second factor in force; no row where one is. Parameters: user_id, step.
UPDATE users SET totp_confirmed_at = now(), totp_step = %(step)s, updated_at = now()
WHERE id = %(user_id)s AND totp_confirmed_at IS NULL AND totp_secret IS NOT NULL RETURNING id

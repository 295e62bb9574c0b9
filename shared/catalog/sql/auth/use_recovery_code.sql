-- Use a recovery code up, once. Parameters: user_id, code_hash.
UPDATE recovery_codes SET used_at = now()
WHERE user_id = %(user_id)s AND code_hash = %(code_hash)s AND used_at IS NULL RETURNING user_id

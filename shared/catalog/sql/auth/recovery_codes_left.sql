-- How many recovery codes a user has left. Parameter: user_id.
SELECT count(*) AS left_over FROM recovery_codes WHERE user_id = %(user_id)s AND used_at IS NULL

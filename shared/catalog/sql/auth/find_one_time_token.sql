-- A mailed token that can still be used, with its user. Parameters: token_hash, purpose.
SELECT users.id, users.email, users.name FROM one_time_tokens JOIN users ON users.id = one_time_tokens.user_id
WHERE token_hash = %(token_hash)s AND purpose = %(purpose)s AND used_at IS NULL AND expires_at > now()
    AND lower(one_time_tokens.email) = lower(users.email)

-- A token to mail to a user, no more than so many an hour of each purpose; no row where that is reached. Parameters:
-- token_hash, user_id, purpose, email, hours, most.
INSERT INTO one_time_tokens (token_hash, user_id, purpose, email, expires_at)
SELECT %(token_hash)s, %(user_id)s, %(purpose)s, %(email)s, now() + make_interval(hours => %(hours)s)
WHERE (SELECT count(*) FROM one_time_tokens
    WHERE user_id = %(user_id)s AND purpose = %(purpose)s AND created_at > now() - interval '1 hour') < %(most)s
RETURNING user_id

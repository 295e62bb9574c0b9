-- A refresh token, no row where it was used or is not there. Parameter: token_hash.
SELECT token_hash FROM refresh_tokens WHERE token_hash = %(token_hash)s AND used_at IS NULL

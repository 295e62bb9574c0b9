-- Note that an address is its user's. Parameter: user_id.
UPDATE users SET email_verified_at = coalesce(email_verified_at, now()), updated_at = now() WHERE id = %(user_id)s
RETURNING id

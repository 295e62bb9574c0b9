-- A new password of a user. Parameters: user_id, password_hash, instead_of (the hash it replaces; null for whichever),
-- verified (whether whoever sets it has shown the address to be theirs).
UPDATE users SET password_hash = %(password_hash)s, updated_at = now(),
    password_changed_at = CASE WHEN %(instead_of)s::text IS NULL THEN now() ELSE password_changed_at END,
    email_verified_at = CASE WHEN %(verified)s THEN coalesce(email_verified_at, now()) ELSE email_verified_at END
WHERE id = %(user_id)s AND (%(instead_of)s::text IS NULL OR password_hash = %(instead_of)s)
RETURNING id

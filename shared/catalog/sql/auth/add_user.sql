-- A new user; no row where the address is taken. Parameters: id, email, name, language, password_hash (or null),
-- verified (whether the address is known to be theirs).
INSERT INTO users (id, email, name, language, password_hash, password_changed_at, email_verified_at)
VALUES (%(id)s, %(email)s, %(name)s, %(language)s, %(password_hash)s,
    CASE WHEN %(password_hash)s::text IS NOT NULL THEN now() END, CASE WHEN %(verified)s THEN now() END)
ON CONFLICT (lower(email)) DO NOTHING
RETURNING id, email, name, language, created_at

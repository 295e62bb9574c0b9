-- The user who signed in as somebody of a provider. Parameters: issuer, subject.
SELECT users.id, users.email, users.name, users.language, users.blocked_at
FROM identities JOIN users ON users.id = identities.user_id
WHERE issuer = %(issuer)s AND subject = %(subject)s

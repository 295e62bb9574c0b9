-- Change how a user is called and in which language mails are. Parameters: user_id; name and language, null to leave.
UPDATE users SET name = coalesce(%(name)s, name), language = coalesce(%(language)s, language), updated_at = now()
WHERE id = %(user_id)s
RETURNING name, language

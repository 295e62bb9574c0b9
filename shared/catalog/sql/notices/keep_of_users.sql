-- Keep a notice for each user of these addresses once. Parameters: emails, key, kind, data.
INSERT INTO notices (user_id, key, kind, least_role, data)
SELECT id, %(key)s, %(kind)s, 'viewer', %(data)s FROM users WHERE email = ANY(%(emails)s)
ON CONFLICT DO NOTHING
RETURNING seq

-- The user of a session that has not ended, with every project of their organisations and their role there; one row
-- with a NULL project where there is none. Parameters: user_id, session_id.
SELECT u.email, u.blocked_at IS NULL AS active, p.id AS project_id, p.name, p.organisation_id, m.role, p.timezone
FROM users u
JOIN sessions s ON s.user_id = u.id AND s.id = %(session_id)s AND s.revoked_at IS NULL AND s.expires_at > now()
LEFT JOIN memberships m ON m.user_id = u.id
LEFT JOIN projects p ON p.organisation_id = m.organisation_id AND p.deleted_at IS NULL
WHERE u.id = %(user_id)s
ORDER BY p.name, p.id
LIMIT 10000

-- The organisations of a user with their role, and each one's projects; one row with a NULL project where there is
-- none. Parameter: user_id.
SELECT organisations.id AS organisation_id, organisations.name AS organisation, memberships.role,
    projects.id AS project_id, projects.name AS project, projects.timezone
FROM memberships JOIN organisations ON organisations.id = memberships.organisation_id
LEFT JOIN projects ON projects.organisation_id = organisations.id AND projects.deleted_at IS NULL
WHERE memberships.user_id = %(user_id)s
ORDER BY organisations.name, organisations.id, projects.name, projects.id
LIMIT 10000

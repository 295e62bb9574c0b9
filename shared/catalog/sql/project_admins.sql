-- Who looks after a project: the addresses of its organisation's owners and admins. Parameters: project_id.
SELECT users.email, users.language
FROM projects
    JOIN memberships USING (organisation_id)
    JOIN users ON users.id = memberships.user_id
WHERE projects.id = %(project_id)s AND memberships.role IN ('owner', 'admin') AND users.blocked_at IS NULL
ORDER BY users.email

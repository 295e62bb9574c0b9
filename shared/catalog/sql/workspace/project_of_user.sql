-- A project with the role somebody has in its organisation; no row where it is not open to them. Parameters: user_id,
-- project_id, deleted (whether a deleted one is meant).
SELECT projects.id, projects.organisation_id, projects.name, memberships.role
FROM projects JOIN memberships ON memberships.organisation_id = projects.organisation_id
WHERE memberships.user_id = %(user_id)s AND projects.id = %(project_id)s
    AND (projects.deleted_at IS NOT NULL) = %(deleted)s

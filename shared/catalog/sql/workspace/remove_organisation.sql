-- End an organisation, its memberships and invitations, unless it has projects. Parameter: organisation_id.
WITH left_projects AS (SELECT 1 FROM projects WHERE organisation_id = %(organisation_id)s),
members AS (
    DELETE FROM memberships
    WHERE organisation_id = %(organisation_id)s AND NOT EXISTS (SELECT FROM left_projects)
)
DELETE FROM organisations WHERE id = %(organisation_id)s AND NOT EXISTS (SELECT FROM left_projects)
RETURNING id

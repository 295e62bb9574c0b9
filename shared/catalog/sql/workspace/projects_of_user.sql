-- The projects of the organisations somebody is a member of, in order of their ids. Parameters: user_id,
-- organisation_id (or null), after, most, deleted (whether the deleted ones are asked for instead).
SELECT projects.id, projects.organisation_id, projects.name, projects.timezone, projects.retention_days,
    projects.allowed_origins, projects.ip_mode, projects.created_at, projects.updated_at, projects.deleted_at,
    memberships.role
FROM projects JOIN memberships ON memberships.organisation_id = projects.organisation_id
WHERE memberships.user_id = %(user_id)s AND (projects.deleted_at IS NOT NULL) = %(deleted)s
    AND (%(organisation_id)s::uuid IS NULL OR projects.organisation_id = %(organisation_id)s)
    AND (%(after)s::uuid IS NULL OR projects.id > %(after)s)
ORDER BY projects.id LIMIT %(most)s

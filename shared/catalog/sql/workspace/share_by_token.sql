-- What a share's token shows: the share, the dashboard and its project. Parameter: token_hash.
SELECT shares.id, shares.project_id, shares.name, shares.embeddable, shares.expires_at, shares.revoked_at,
    dashboards.id AS dashboard_id, dashboards.name AS dashboard_name, dashboards.description, dashboards.widgets,
    dashboards.layout, dashboards.version, dashboards.updated_at, projects.organisation_id, projects.timezone,
    projects.deleted_at, projects.allowed_origins, shares.sealed_key
FROM shares
JOIN dashboards ON dashboards.id = shares.dashboard_id
JOIN projects ON projects.id = shares.project_id
WHERE shares.token_hash = %(token_hash)s

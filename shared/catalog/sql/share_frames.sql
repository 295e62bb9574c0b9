-- Who may show a shared dashboard in a frame. Parameter: token_hash.
SELECT shares.embeddable, shares.expires_at, shares.revoked_at, projects.allowed_origins, projects.deleted_at
FROM shares
JOIN projects ON projects.id = shares.project_id
WHERE shares.token_hash = %(token_hash)s

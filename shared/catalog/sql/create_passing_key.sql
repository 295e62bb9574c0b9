-- A key that holds for minutes, for a question of our own in a project that is there. Parameters: id, project_id, name,
-- prefix, key_hash, seconds.
INSERT INTO api_keys (id, project_id, kind, name, prefix, key_hash, scopes, expires_at, passing)
SELECT %(id)s, id, 'secret', %(name)s, %(prefix)s, %(key_hash)s, ARRAY['read'], now() + make_interval(secs => %(seconds)s),
    true
FROM projects WHERE id = %(project_id)s AND deleted_at IS NULL
RETURNING id

-- Save a query anew, if it is still at the version that was changed. Parameters: id, project_id, version, kind, name,
-- description, tags, query, last, by.
UPDATE definitions SET kind = %(kind)s, name = %(name)s, description = %(description)s, tags = %(tags)s,
    query = %(query)s, last = %(last)s, version = version + 1, updated_by = %(by)s, updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s AND version = %(version)s
RETURNING id, project_id, kind, name, description, tags, query, last, version, created_by, updated_by, created_at, updated_at

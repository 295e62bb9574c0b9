-- Save a query. Parameters: id, project_id, kind, name, description, tags, query, last, by.
INSERT INTO definitions (id, project_id, kind, name, description, tags, query, last, created_by, updated_by)
VALUES (%(id)s, %(project_id)s, %(kind)s, %(name)s, %(description)s, %(tags)s, %(query)s, %(last)s, %(by)s, %(by)s)
RETURNING id, project_id, kind, name, description, tags, query, last, version, created_by, updated_by, created_at, updated_at

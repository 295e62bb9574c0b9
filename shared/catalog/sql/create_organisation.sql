-- A new organisation. Parameters: id, name.
INSERT INTO organisations (id, name) VALUES (%(id)s, %(name)s)
RETURNING id, name, created_at

-- Begin a copy; no row where another is being made. Parameters: id, kind, asked_by, expires_at (null: it is kept for ever).
INSERT INTO backups (id, kind, asked_by, expires_at)
VALUES (%(id)s, %(kind)s, %(asked_by)s, %(expires_at)s)
ON CONFLICT ((true)) WHERE state = 'running' DO NOTHING
RETURNING id, state

-- A PII rule, new or changed. Parameters: id, project_id, match, text, action, length, description.
INSERT INTO pii_rules AS kept (id, project_id, match, text, action, length, description)
VALUES (%(id)s, %(project_id)s, %(match)s, %(text)s, %(action)s, %(length)s, %(description)s)
ON CONFLICT (id) DO UPDATE SET
    match = excluded.match, text = excluded.text, action = excluded.action, length = excluded.length,
    description = excluded.description, updated_at = now()
WHERE kept.project_id = excluded.project_id
RETURNING id, match, text, action, length, description, created_at, updated_at

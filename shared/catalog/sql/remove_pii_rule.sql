-- Remove a PII rule. Parameters: project_id, id.
DELETE FROM pii_rules WHERE project_id = %(project_id)s AND id = %(id)s

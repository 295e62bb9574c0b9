-- Remove the retention rules of a project: the new ones follow in the same transaction. Parameter: project_id.
DELETE FROM retention_rules WHERE project_id = %(project_id)s

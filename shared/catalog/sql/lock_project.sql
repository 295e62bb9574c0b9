-- Hold a project's row until the transaction is over: whoever counts what it has, counts alone.
-- Rows that refer to the project can be written meanwhile, such as those of the audit log. Parameter: project_id.
SELECT id FROM projects WHERE id = %(project_id)s FOR NO KEY UPDATE

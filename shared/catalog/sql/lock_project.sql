-- Hold a project's row until the transaction is over: whoever counts what it has, counts alone. Parameter: project_id.
SELECT id FROM projects WHERE id = %(project_id)s FOR UPDATE

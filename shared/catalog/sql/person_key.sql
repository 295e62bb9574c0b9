-- The key by which a project keeps whom it erased; no row without such a project. Parameter: project_id.
SELECT person_key FROM projects WHERE id = %(project_id)s

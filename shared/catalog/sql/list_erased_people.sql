-- The hashes of everybody a project erased. Parameter: project_id.
SELECT person FROM erased_people WHERE project_id = %(project_id)s

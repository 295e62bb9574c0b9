-- How many entries a project has. Parameter: project_id.
SELECT count(*) AS entries FROM dictionary_entries WHERE project_id = %(project_id)s

-- Who is under legal hold in a project: user keys, null for all of it. Parameter: project_id.
SELECT DISTINCT person FROM legal_holds WHERE project_id = %(project_id)s AND released_at IS NULL

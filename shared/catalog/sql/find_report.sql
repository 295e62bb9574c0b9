-- A report by its id; of one project unless project_id is null. Parameters: id, project_id.
SELECT id, project_id, name, asked, created_at, updated_at
FROM reports
WHERE id = %(id)s AND (%(project_id)s::uuid IS NULL OR project_id = %(project_id)s)

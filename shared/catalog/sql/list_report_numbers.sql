-- What runs of a project's reports found, page by page. Parameters: project_id, after (id), most.
SELECT id, concat('[', coalesce(numbers, 'null'), ',', coalesce(result, 'null'), ']') AS numbers, asked FROM report_runs
WHERE project_id = %(project_id)s AND (numbers IS NOT NULL OR result IS NOT NULL) AND id > %(after)s
ORDER BY id LIMIT %(most)s

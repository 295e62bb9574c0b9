-- What runs of a project's reports counted, page by page. Parameters: project_id, after (id), most.
SELECT id, numbers, asked FROM report_runs
WHERE project_id = %(project_id)s AND numbers IS NOT NULL AND id > %(after)s
ORDER BY id LIMIT %(most)s

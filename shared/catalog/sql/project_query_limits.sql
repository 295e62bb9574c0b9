-- What the questions of every project may take that has some of its own.
SELECT project_id, query_rows, query_at_once, query_budget
FROM project_limits
WHERE query_rows IS NOT NULL OR query_at_once IS NOT NULL OR query_budget IS NOT NULL
LIMIT 10000

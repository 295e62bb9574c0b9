-- A run was mailed. Parameter: id.
UPDATE report_runs SET announced = true WHERE id = %(id)s

-- Those to be told of some steps were. Parameter: ids.
UPDATE alert_changes SET announced = true WHERE id = ANY(%(ids)s::uuid[])

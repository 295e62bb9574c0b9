-- Those to be told of a step were. Parameter: id.
UPDATE alert_changes SET announced = true WHERE id = %(id)s

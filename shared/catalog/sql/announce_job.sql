-- What there was to tell of a finished job is told. Parameter: id.
UPDATE jobs SET announced = true WHERE id = %(id)s

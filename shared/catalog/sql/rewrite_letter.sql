-- Keep a dead letter with other data, where it still has those that were read. Parameters: id, before, data.
UPDATE dead_letters SET
    data = %(data)s, size = greatest(0, size - octet_length(%(before)s::bytea) + octet_length(%(data)s::bytea))
WHERE id = %(id)s AND data = %(before)s RETURNING id

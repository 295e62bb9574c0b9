-- Remove a dead letter that was sent again or is not wanted any more; the row comes back where there was one.
-- Parameters: id.
DELETE FROM dead_letters WHERE id = %(id)s RETURNING id

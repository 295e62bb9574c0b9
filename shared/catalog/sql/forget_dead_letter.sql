-- Remove a dead letter that was sent again or is not wanted any more; the row comes back where there was one.
-- One that was sent again and refused once more is another by then, and stays.
-- Parameters: id, resent (how often it had been sent again when it was read).
DELETE FROM dead_letters WHERE id = %(id)s AND resent = %(resent)s RETURNING id

-- The files of a finished job are gone. Parameter: id.
UPDATE jobs SET expired_at = now() WHERE id = %(id)s AND expired_at IS NULL RETURNING id

-- What a restore drill of a copy found; '' where all was as it should be. Parameters: id, found.
UPDATE backups SET drilled_at = now(), drill = %(found)s WHERE id = %(id)s

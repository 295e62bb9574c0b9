-- A gap was told of. Parameters: id.
UPDATE ledger_gaps SET told_at = now() WHERE id = %(id)s AND told_at IS NULL

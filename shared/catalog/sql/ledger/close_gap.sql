-- Somebody has seen to a gap. Parameters: id, by.
UPDATE ledger_gaps SET closed_at = now(), closed_by = %(by)s WHERE id = %(id)s AND closed_at IS NULL RETURNING id

-- Findings that are gone. Parameters: ids, at.
UPDATE quality_findings SET closed_at = %(at)s WHERE id = ANY (%(ids)s) AND closed_at IS NULL AND seen_at <= %(at)s

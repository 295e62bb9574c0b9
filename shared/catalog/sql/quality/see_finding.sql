-- A finding is there still, with these numbers. Parameters: id, value, expected, detail, at.
UPDATE quality_findings
SET value = %(value)s, expected = %(expected)s, detail = %(detail)s, seen_at = %(at)s
WHERE id = %(id)s AND closed_at IS NULL AND seen_at <= %(at)s

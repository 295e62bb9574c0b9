-- The end of each audit log that ought to be there, as the table of heads has it, with what the last checkpoint says.
-- Parameter: organisation_id, null for all.
SELECT known.organisation_id, heads.seq, heads.hash, coalesce(checkpoints.seq, 0) AS checked_seq
FROM (
    SELECT organisation_id FROM audit_heads
    UNION SELECT organisation_id FROM audit_checkpoints
    UNION SELECT DISTINCT organisation_id FROM audit_log
) AS known
LEFT JOIN audit_heads AS heads USING (organisation_id)
LEFT JOIN (
    SELECT organisation_id, max(seq) AS seq FROM audit_checkpoints GROUP BY organisation_id
) AS checkpoints USING (organisation_id)
WHERE %(organisation_id)s::uuid IS NULL OR known.organisation_id = %(organisation_id)s
ORDER BY known.organisation_id

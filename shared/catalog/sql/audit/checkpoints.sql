-- The signed checkpoints of an organisation's audit log, oldest first. Parameter: organisation_id.
SELECT organisation_id, seq, hash, at, key_id, signature
FROM audit_checkpoints WHERE organisation_id = %(organisation_id)s ORDER BY seq, key_id

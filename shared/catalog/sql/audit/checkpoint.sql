-- Keep a signed checkpoint; one that is there stays. Parameters: organisation_id, seq, hash, at, key_id, signature.
INSERT INTO audit_checkpoints (organisation_id, seq, hash, at, key_id, signature)
VALUES (%(organisation_id)s, %(seq)s, %(hash)s, %(at)s, %(key_id)s, %(signature)s)
ON CONFLICT DO NOTHING

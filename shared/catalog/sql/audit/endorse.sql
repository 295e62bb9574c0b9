-- Keep that a key endorses one before it; what is there stays. Parameters: key_id, public_key, endorsed_by, signature.
INSERT INTO audit_signers (key_id, public_key, endorsed_by, signature)
VALUES (%(key_id)s, %(public_key)s, %(endorsed_by)s, %(signature)s)
ON CONFLICT DO NOTHING RETURNING key_id

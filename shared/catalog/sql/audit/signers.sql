-- The keys that sign or signed checkpoints, as later keys endorsed them. No parameters.
SELECT key_id, public_key, endorsed_by, signature FROM audit_signers ORDER BY endorsed_at, key_id

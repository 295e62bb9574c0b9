-- The keys that sign certificates, the newest first; all of them verify for ever.
SELECT kid, public_key, sealed_key FROM certificate_keys ORDER BY created_at DESC, kid

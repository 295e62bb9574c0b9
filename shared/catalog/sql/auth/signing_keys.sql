-- The keys of access tokens that may sign or verify, sealed, the newest first.
SELECT kid, public_key, sealed_key, created_at, signs_from, expires_at FROM signing_keys
WHERE expires_at IS NULL OR expires_at > now() ORDER BY signs_from DESC, kid

-- The public keys of access tokens that may still be good, the newest first.
SELECT kid, public_key FROM signing_keys WHERE expires_at IS NULL OR expires_at > now() ORDER BY signs_from DESC, kid

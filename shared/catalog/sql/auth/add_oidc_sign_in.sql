-- A sign-in that a browser begins at the provider. Parameters: state_hash, browser_hash, nonce, verifier, return_to,
-- seconds.
INSERT INTO oidc_sign_ins (state_hash, browser_hash, nonce, verifier, return_to, expires_at)
VALUES (%(state_hash)s, %(browser_hash)s, %(nonce)s, %(verifier)s, %(return_to)s,
    now() + make_interval(secs => %(seconds)s))

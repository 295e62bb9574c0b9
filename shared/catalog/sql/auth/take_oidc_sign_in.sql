-- The sign-in of an answer and a browser, once; no row for another browser's or one that is over. Parameters:
-- state_hash, browser_hash.
DELETE FROM oidc_sign_ins
WHERE state_hash = %(state_hash)s AND browser_hash = %(browser_hash)s AND expires_at > now()
RETURNING nonce, verifier, return_to

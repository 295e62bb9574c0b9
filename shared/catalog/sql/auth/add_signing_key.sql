-- A new key of access tokens. Parameters: kid, public_key, sealed_key, signs_from.
INSERT INTO signing_keys (kid, public_key, sealed_key, signs_from)
VALUES (%(kid)s, %(public_key)s, %(sealed_key)s, %(signs_from)s)

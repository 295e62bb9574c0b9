-- Keep a new key that signs certificates. Parameters: kid, public_key, sealed_key.
INSERT INTO certificate_keys (kid, public_key, sealed_key) VALUES (%(kid)s, %(public_key)s, %(sealed_key)s)

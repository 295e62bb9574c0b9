-- Note whose account somebody of a provider has; harmless to repeat. Parameters: issuer, subject, user_id.
INSERT INTO identities (issuer, subject, user_id) VALUES (%(issuer)s, %(subject)s, %(user_id)s)
ON CONFLICT (issuer, subject) DO NOTHING

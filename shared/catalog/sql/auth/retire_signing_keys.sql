-- The keys before a new one verify until then and no longer; those whose end is sooner keep it. Parameter: until.
UPDATE signing_keys SET expires_at = least(coalesce(expires_at, %(until)s), %(until)s)
WHERE expires_at IS NULL OR expires_at > now()

-- Forget what ended a while ago: sessions with their tokens, mailed tokens, signing keys, sign-ins under way.
-- Parameter: days.
WITH sessions_gone AS (
    DELETE FROM sessions WHERE coalesce(least(revoked_at, expires_at), expires_at) < now() - make_interval(days => %(days)s)
), tokens_gone AS (
    DELETE FROM refresh_tokens WHERE used_at < now() - make_interval(days => %(days)s)
), mailed_gone AS (
    DELETE FROM one_time_tokens WHERE expires_at < now() - make_interval(days => %(days)s)
), keys_gone AS (
    DELETE FROM signing_keys WHERE expires_at < now() - make_interval(days => %(days)s)
)
DELETE FROM oidc_sign_ins WHERE expires_at < now() - make_interval(days => %(days)s)

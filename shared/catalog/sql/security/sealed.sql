-- Everything the catalog keeps sealed, in order of kind and id, with the place that each is sealed for: a page of what
-- comes after (`after_kind`, `after_id`). A webhook's secret is a text, given as its bytes. Parameters: after_kind, after_id, most.
SELECT kind, id, place, sealed FROM (
    SELECT 'second_factor' AS kind, id::text AS id, 'totp of ' || id AS place, totp_secret AS sealed
    FROM users WHERE totp_secret IS NOT NULL
    UNION ALL
    SELECT 'certificate_key', kid, 'certificate key ' || kid, sealed_key FROM certificate_keys
    UNION ALL
    SELECT 'share', id::text, 'share ' || id, sealed_key FROM shares WHERE sealed_key IS NOT NULL
    UNION ALL
    SELECT 'signing_key', kid, 'signing key ' || kid, sealed_key FROM signing_keys
    UNION ALL
    SELECT 'webhook', id::text, 'webhook:' || project_id || ':' || id, convert_to(secret, 'UTF8') FROM webhooks
    UNION ALL
    SELECT 'webhook_before', id::text, 'webhook:' || project_id || ':' || id, convert_to(previous_secret, 'UTF8')
    FROM webhooks WHERE previous_secret IS NOT NULL
) AS kept
WHERE (kind, id) > (%(after_kind)s, %(after_id)s)
ORDER BY kind, id LIMIT %(most)s

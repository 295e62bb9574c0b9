-- The events of a condition once more, under names made of a salt, without what says who somebody is; events whose whole
-- sense that is are left out. Parameters: salt, drop (whether what a client wrote freely goes), and those of the condition.
INSERT INTO events (
    project_id, event, user_id, session_id, timestamp, event_id, sent_at, received_at, batch_id, properties_raw, hostname,
    path, referrer_domain, utm_source, utm_medium, utm_campaign, channel, browser, browser_version, os, os_version, device,
    country, bot, bot_reason, library, library_version, revenue, currency
)
SELECT
    project_id,
    event,
    concat('anon-', substring(lower(hex(SHA256(concat(/*salt*/, user_key)))), 1, 32)) AS name,
    if(session_id = '', '', substring(lower(hex(SHA256(concat(/*salt*/, 's', session_id)))), 1, 32)) AS session,
    timestamp,
    toUUID(UUIDNumToString(toFixedString(substring(SHA256(concat(/*salt*/, toString(event_id))), 1, 16), 16))) AS made_id,
    sent_at,
    received_at,
    toUUID('00000000-0000-0000-0000-000000000000') AS no_batch,
    if(/*drop*/, '{}', properties_raw) AS kept_properties,
    hostname,
    if(/*drop*/, '', path) AS kept_path,
    referrer_domain,
    utm_source,
    utm_medium,
    utm_campaign,
    channel,
    browser,
    browser_version,
    os,
    os_version,
    device,
    country,
    bot,
    bot_reason,
    library,
    library_version,
    revenue,
    currency
FROM events FINAL
WHERE /*where*/ AND /*plain*/

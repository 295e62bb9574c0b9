-- Whole events, the newest first, each once. The engine first decides which by the key columns and what the filters
-- look at, and reads the wide columns of these alone: lazy materialization, for any page we allow. The columns stand
-- in the order of StoredEvent, with the hash of the key behind them. Parameters are bound by shared.query.scope.
-- The skip indexes of this table are on what the key decides (event_id and user_key), so that no repeat is left out with
-- the other: FINAL needs no wider look (decision 0044).
SELECT
    toString(event_id),
    event,
    toUnixTimestamp64Micro(timestamp),
    toUnixTimestamp64Micro(received_at),
    toUnixTimestamp64Micro(sent_at),
    user_id,
    anonymous_id,
    session_id,
    client_id,
    toString(batch_id),
    properties_raw,
    context_raw,
    url,
    hostname,
    path,
    referrer,
    referrer_domain,
    utm_source,
    utm_medium,
    utm_campaign,
    utm_term,
    utm_content,
    channel,
    browser,
    browser_version,
    os,
    os_version,
    device,
    country,
    ip,
    bot,
    bot_reason,
    library,
    library_version,
    revenue,
    currency,
    lookups,
    cityHash64(user_key)
FROM events FINAL
WHERE /*scope*/
ORDER BY timestamp DESC, event_id DESC, event DESC, cityHash64(user_key) DESC
LIMIT /*limit*/
SETTINGS query_plan_max_limit_for_lazy_materialization = 10000, use_skip_indexes_if_final_exact_mode = 0

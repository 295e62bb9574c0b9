-- The events of a page of a timeline, found by all parts of their key; of repeats the one received last.
-- The columns stand in the order of TimelineEvent. Parameters are bound by functions.query_people.timeline.
SELECT
    toString(event_id),
    event,
    toUnixTimestamp64Micro(timestamp),
    user_key,
    user_id,
    anonymous_id,
    session_id,
    properties_raw,
    url,
    path,
    referrer,
    channel,
    browser,
    os,
    device,
    country,
    revenue,
    currency
FROM events
WHERE /*scope*/
    AND toDate(timestamp) IN arrayMap(micros -> toDate(fromUnixTimestamp64Micro(micros, 'UTC')), /*moments*/)
    AND cityHash64(user_key) IN arrayMap(key -> cityHash64(key), /*keys*/)
    AND timestamp IN arrayMap(micros -> fromUnixTimestamp64Micro(micros, 'UTC'), /*moments*/)
    AND event_id IN /*ids*/
    AND user_key IN /*keys*/
ORDER BY timestamp DESC, toString(event_id) DESC, event DESC, user_key DESC, received_at DESC
LIMIT 1 BY timestamp, event_id, event, user_key

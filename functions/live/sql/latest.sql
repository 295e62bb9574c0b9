-- Events received in a range, the newest first; an event that came twice may stand here twice, each of the same id.
-- The columns stand in the order of Latest. Parameters are bound by shared.query.scope.
SELECT
    toString(event_id),
    event,
    toUnixTimestamp64Micro(timestamp),
    toUnixTimestamp64Micro(received_at),
    user_id,
    anonymous_id,
    session_id,
    path,
    country,
    device,
    browser,
    bot
FROM events
WHERE /*scope*/
ORDER BY received_at DESC, event_id DESC
LIMIT /*limit*/

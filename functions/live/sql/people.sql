-- How many people sent something that was received in a range: by the id they sent under, bots left out. Repeats of an
-- event are of the same person, so nothing is merged for it. Parameters are bound by shared.query.scope; the days are
-- those on which something received in the range happened.
SELECT uniqExact(user_key)
FROM events
WHERE /*scope*/
    AND user_key != ''
    AND NOT bot
    AND toDate(timestamp) IN (SELECT toDate(timestamp) FROM events WHERE /*scope*/)

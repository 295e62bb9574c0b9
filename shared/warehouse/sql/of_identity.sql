-- What events said of who people are and what they are like, of which any repeat names one of the keys: as its own, as its
-- device, or as one that it links. Parameters: project, keys (user keys), bound by shared.warehouse.personal.
project_id = /*project*/ AND (user_key, timestamp, event_id, event) IN (
    SELECT user_key, timestamp, event_id, event
    FROM identity_events
    WHERE project_id = /*project*/
        AND (user_key IN /*keys*/ OR concat('a:', anonymous_id) IN /*keys*/ OR hasAny(from_keys, /*keys*/))
)

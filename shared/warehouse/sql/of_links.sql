-- Events that link one of the keys to somebody else. Parameters as in of_identity.sql.
project_id = /*project*/ AND (event, timestamp, user_key, event_id) IN (
    SELECT event, timestamp, user_key, event_id
    FROM identity_events
    WHERE project_id = /*project*/ AND hasAny(from_keys, /*keys*/)
)

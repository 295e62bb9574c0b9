-- Whom each linked key belongs to, where nobody who is linked to is linked to another: by the first link there is, merges
-- before events. In no order. Parameters: project, bound by shared.query.identity.
SELECT key, argMin(parent, place) AS person
FROM
(
    SELECT arrayJoin(from_keys) AS key, to_key AS parent, (toUInt8(1), timestamp, toString(event_id), to_key) AS place
    FROM identity_events FINAL
    WHERE project_id = /*project*/
    UNION ALL
    SELECT from_key AS key, to_key AS parent, (toUInt8(0), merged_at, merge_id, to_key) AS place
    FROM identity_merges FINAL
    WHERE project_id = /*project*/ AND removed_at IS NULL
)
WHERE key != parent
GROUP BY key

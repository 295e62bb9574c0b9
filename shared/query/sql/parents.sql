-- Whom each of a few keys is linked to, as in people.sql; keys that are linked to nobody have no row. In no order.
-- Parameters: project, keys, bound by shared.query.relatives.
SELECT key, argMin(parent, place) AS linked_to
FROM
(
    SELECT arrayJoin(from_keys) AS key, to_key AS parent, (toUInt8(1), timestamp, toString(event_id), to_key) AS place
    FROM identity_events FINAL
    WHERE project_id = /*project*/ AND hasAny(from_keys, /*keys*/)
    UNION ALL
    SELECT from_key AS key, to_key AS parent, (toUInt8(0), merged_at, merge_id, to_key) AS place
    FROM identity_merges FINAL
    WHERE project_id = /*project*/ AND removed_at IS NULL AND has(/*keys*/, from_key)
)
WHERE key != parent AND has(/*keys*/, key)
GROUP BY key

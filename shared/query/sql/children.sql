-- The keys that something links to one of a few keys, whether or not another link of theirs comes first. In no order.
-- Parameters: project, keys, most, bound by shared.query.relatives.
SELECT DISTINCT key
FROM
(
    SELECT arrayJoin(from_keys) AS key
    FROM identity_events FINAL
    WHERE project_id = /*project*/ AND user_key IN /*keys*/
    UNION ALL
    SELECT from_key AS key
    FROM identity_merges FINAL
    WHERE project_id = /*project*/ AND removed_at IS NULL AND has(/*keys*/, to_key)
)
LIMIT /*most*/

-- The merges that touch some keys, those taken back too, the oldest first.
-- Parameters are bound by functions.query_people.merges.
SELECT
    merge_id,
    from_key,
    to_key,
    toUnixTimestamp64Micro(merged_at),
    merged_by,
    reason,
    toUnixTimestamp64Micro(removed_at),
    removed_by,
    version
FROM identity_merges FINAL
WHERE project_id = /*project*/ AND (has(/*keys*/, from_key) OR has(/*keys*/, to_key))
ORDER BY merged_at, merge_id

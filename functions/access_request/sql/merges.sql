-- Merges that people made of the person, also those that were taken back. Parameters as in events.sql.
SELECT merge_id, from_key, to_key, merged_at, merged_by, reason, removed_at, removed_by
FROM identity_merges FINAL
WHERE project_id = /*project*/ AND (from_key IN /*keys*/ OR to_key IN /*keys*/)
ORDER BY merged_at, merge_id

-- The gaps nobody has explained or closed, the oldest first. Parameters: most.
SELECT
    id, kind, log, partition, first_offset, last_offset, explained, project_id, events, detail, found_at,
    told_at IS NOT NULL AS told
FROM ledger_gaps
WHERE closed_at IS NULL
ORDER BY found_at, id
LIMIT %(most)s

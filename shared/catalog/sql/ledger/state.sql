-- How the ledger is: gaps nobody has explained, and when it was checked last. One row.
SELECT
    (SELECT count(*) FROM ledger_gaps WHERE closed_at IS NULL) AS gaps,
    (SELECT min(found_at) FROM ledger_gaps WHERE closed_at IS NULL) AS since,
    (SELECT max(checked_at) FROM ledger_partitions) AS checked_at

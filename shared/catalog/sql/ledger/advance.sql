-- Note how far a partition is proven; nothing where another check was faster. Parameters: log, partition, since, was, proven,
-- published, begun_at.
INSERT INTO ledger_partitions AS kept (log, partition, since, proven, published, begun_at, checked_at)
VALUES (%(log)s, %(partition)s, %(since)s, %(proven)s, %(published)s, %(begun_at)s, now())
ON CONFLICT (log, partition) DO UPDATE SET
    proven = excluded.proven, published = greatest(kept.published, excluded.published), checked_at = now()
WHERE kept.proven = %(was)s
RETURNING proven

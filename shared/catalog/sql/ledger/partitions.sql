-- How far the ledger is proven, by incarnation of the topic and partition; the newest first.
SELECT log, partition, since, proven, published, begun_at, checked_at FROM ledger_partitions ORDER BY checked_at DESC, partition

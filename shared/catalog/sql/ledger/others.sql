-- Places that batch_write writes no row for, in a range. Parameters: partition, first, end.
SELECT place FROM ledger_others
WHERE partition = %(partition)s AND place >= %(first)s AND place < %(end)s AND at > %(begun_at)s
ORDER BY place

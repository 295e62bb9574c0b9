-- Records that were dead letters before they were written, and how often. Parameters: since, most.
SELECT toString(batch_id) AS batch, max(resent) AS times
FROM batches
WHERE resent > 0 AND stored_at >= {since:DateTime64(6, 'UTC')}
GROUP BY batch_id
ORDER BY batch
LIMIT {most:UInt32}

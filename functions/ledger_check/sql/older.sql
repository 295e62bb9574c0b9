-- Whether records were written by a version that noted neither removed projects nor dead letters. One row.
SELECT count() > 0
FROM batches
WHERE position >= 0 AND stored_at < (SELECT min(at) FROM schema_migrations WHERE version = 10 AND applied = 1)

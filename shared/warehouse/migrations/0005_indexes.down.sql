-- Without the indexes every granule is read.
ALTER TABLE events
    DROP INDEX IF EXISTS by_id,
    DROP INDEX IF EXISTS by_user;

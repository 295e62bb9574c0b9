-- Remove the oldest sightings from before `before`, at most `most`, and answer how many. What somebody holds at the moment
-- is left for the next time, so that this waits for nobody. Parameters: before, most.
WITH forgotten AS (
    DELETE FROM event_sightings WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM event_sightings WHERE first_seen < %(before)s
        ORDER BY first_seen LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ))
    RETURNING 1
)
SELECT count(*) AS forgotten FROM forgotten

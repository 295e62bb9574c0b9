-- How many people are new, returning, resurrecting and dormant in each interval.
SELECT bucket, state, count() AS people
FROM /*states*/
WHERE bucket < /*number*/
GROUP BY bucket, state

-- How many people are in a segment.
SELECT count() AS people
FROM (/*members*/)

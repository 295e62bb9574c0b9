-- How many of a project's events in a range have each name: all of them, and those that some filters let through. One
-- statement for many rules: the number of each is a sum over its names. FINAL counts an event that was stored twice once.
SELECT event, /*counts*/
FROM events FINAL
WHERE /*scope*/
GROUP BY event

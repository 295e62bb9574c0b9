-- A row a person: when they were first and last seen, and in how many events. Those of nobody are left out; in no order.
-- Parameters: project.
SELECT /*person*/ AS person, min(timestamp) AS first_seen, max(timestamp) AS last_seen, count() AS events
FROM events FINAL
WHERE project_id = /*project*/ AND user_key != ''
GROUP BY person

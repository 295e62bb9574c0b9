-- Which of some keys any event has. Parameters: project, keys, bound by functions.query_people.merges.
SELECT DISTINCT user_key
FROM events
WHERE project_id = /*project*/
    AND user_key IN /*keys*/
    AND cityHash64(user_key) IN arrayMap(key -> cityHash64(key), /*keys*/)

-- A person's events, the oldest first, each once as it was stored last. Parameters: project, keys (user keys), devices
-- (anonymous ids), bound by functions.access_request.gathering.
SELECT * EXCEPT (properties, project_id)
FROM events FINAL
WHERE project_id = /*project*/ AND (user_key IN /*keys*/ OR anonymous_id IN /*devices*/)
ORDER BY timestamp, event_id, event

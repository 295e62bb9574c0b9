-- The names of all properties that profiles ever had. Parameters: project, bound by functions.query_people.logic.
SELECT DISTINCT arrayJoin(changes.name) AS name
FROM identity_events
WHERE project_id = /*project*/
ORDER BY name
LIMIT /*most*/

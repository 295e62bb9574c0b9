-- The timeline of an incident, in the order in which things happened, the latest so many. Parameters: incident_id, most.
SELECT id, at, kind, actor, who, note, data FROM (
    SELECT id, at, kind, actor, who, note, data, number FROM incident_steps WHERE incident_id = %(incident_id)s
    ORDER BY number DESC LIMIT %(most)s
) AS latest
ORDER BY number

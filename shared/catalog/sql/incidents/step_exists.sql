-- Whether a step is there. Parameter: id.
SELECT id FROM incident_steps WHERE id = %(id)s

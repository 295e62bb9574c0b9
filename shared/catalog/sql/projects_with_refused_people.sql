-- The projects of which somebody is not stored, each with its key. Parameters: none.
SELECT id AS project_id, person_key FROM projects
WHERE EXISTS (SELECT FROM erased_people WHERE erased_people.project_id = projects.id)
    OR EXISTS (SELECT FROM consents WHERE consents.project_id = projects.id AND state = 'withdrawn')

-- Forget that people were erased, by any of their ids, so that their events are kept again.
-- Parameters: project_id, people (hashes).
DELETE FROM erased_people
WHERE project_id = %(project_id)s AND (
    person = ANY(%(people)s::bytea[])
    OR together IN (
        SELECT together FROM erased_people WHERE project_id = %(project_id)s AND person = ANY(%(people)s::bytea[])
    )
)
RETURNING person

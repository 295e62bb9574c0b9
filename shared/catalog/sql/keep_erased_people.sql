-- Note the people a job erases; who was erased before keeps the first date. Parameters: project_id, job_id, and in the
-- same order people (hashes) and together (what all ids of a person share).
INSERT INTO erased_people (project_id, person, together, job_id)
SELECT %(project_id)s, one.person, one.together, %(job_id)s
FROM unnest(%(people)s::bytea[], %(together)s::bytea[]) AS one (person, together)
ON CONFLICT DO NOTHING

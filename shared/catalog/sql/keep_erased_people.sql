-- Note the people a job erases; who was erased before keeps the first date. Parameters: project_id, job_id, people (hashes).
INSERT INTO erased_people (project_id, person, job_id)
SELECT %(project_id)s, person, %(job_id)s FROM unnest(%(people)s::bytea[]) AS person
ON CONFLICT DO NOTHING

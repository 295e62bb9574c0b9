-- Keep whom a job is to erase, until it is done; what its key has already stays. Parameters: project_id, job_key, people.
INSERT INTO erasure_subjects (project_id, job_key, people)
VALUES (%(project_id)s, %(job_key)s, %(people)s)
ON CONFLICT DO NOTHING

-- Keep whom a job is about, sealed, until it is done; what its key has already stays.
-- Parameters: project_id, kind, job_key, sealed.
INSERT INTO erasure_subjects (project_id, kind, job_key, sealed)
VALUES (%(project_id)s, %(kind)s, %(job_key)s, %(sealed)s)
ON CONFLICT DO NOTHING

-- Forget whom a job erased. Parameters: project_id, job_key.
DELETE FROM erasure_subjects WHERE project_id = %(project_id)s AND job_key = %(job_key)s

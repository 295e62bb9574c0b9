-- Whom a job is to erase; no row once it is done. Parameters: project_id, job_key.
SELECT people FROM erasure_subjects WHERE project_id = %(project_id)s AND job_key = %(job_key)s

-- Whom a job is about; no row once it is done. `people` is how jobs of before kept it. Parameters: project_id, kind, job_key.
SELECT sealed, people FROM erasure_subjects
WHERE project_id = %(project_id)s AND kind = %(kind)s AND job_key = %(job_key)s

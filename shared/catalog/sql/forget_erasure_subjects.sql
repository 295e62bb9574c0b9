-- Forget whom a job was about. Parameters: project_id, kind, job_key.
DELETE FROM erasure_subjects WHERE project_id = %(project_id)s AND kind = %(kind)s AND job_key = %(job_key)s

-- Keep whom a job is about as more is known of them. Parameters: project_id, kind, job_key, sealed.
UPDATE erasure_subjects SET sealed = %(sealed)s, people = ''
WHERE project_id = %(project_id)s AND kind = %(kind)s AND job_key = %(job_key)s

-- Forget people whose job never came to be, or is done and asked for again. Parameters: none.
DELETE FROM erasure_subjects AS kept
WHERE created_at < now() - interval '1 hour' AND NOT EXISTS (
    SELECT FROM jobs
    WHERE jobs.project_id = kept.project_id AND jobs.kind = kept.kind AND jobs.key = kept.job_key
        AND jobs.state IN ('queued', 'running')
)

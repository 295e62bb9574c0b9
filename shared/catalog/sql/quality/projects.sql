-- Projects that are there, of these and of those that have open findings. Parameter: projects.
SELECT id FROM projects
WHERE deleted_at IS NULL
    AND (id = ANY (%(projects)s) OR id IN (SELECT project_id FROM quality_findings WHERE closed_at IS NULL OR NOT told_gone))
ORDER BY id

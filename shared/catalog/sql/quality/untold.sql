-- Findings whose coming or going nobody was told of, the oldest first. Parameters: project_id, most.
SELECT findings.*, coalesce(settings.mail_admins, false) AS mail_admins
FROM quality_findings AS findings
    LEFT JOIN quality_settings AS settings USING (project_id)
WHERE findings.project_id = %(project_id)s AND (NOT told_found OR (closed_at IS NOT NULL AND NOT told_gone))
ORDER BY findings.id
LIMIT %(most)s

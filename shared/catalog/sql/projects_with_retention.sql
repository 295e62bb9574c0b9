-- The projects that do not keep everything for ever, those dropped from longest ago first; and the catalog's own clock.
SELECT projects.id AS project_id, now() AS catalog_now
FROM projects
LEFT JOIN (SELECT project_id, max(at) AS at FROM retention_runs GROUP BY project_id) AS runs ON runs.project_id = projects.id
WHERE projects.retention_days IS NOT NULL
    OR projects.rejected_days IS NOT NULL
    OR EXISTS (SELECT 1 FROM retention_rules WHERE project_id = projects.id AND retention_rules.days IS NOT NULL)
ORDER BY runs.at NULLS FIRST, projects.id

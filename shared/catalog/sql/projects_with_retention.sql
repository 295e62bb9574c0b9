-- The projects that do not keep their events for ever, those dropped from longest ago first; and the catalog's own clock.
SELECT projects.id AS project_id, projects.retention_days AS days, now() AS catalog_now
FROM projects
LEFT JOIN (SELECT project_id, max(at) AS at FROM retention_runs GROUP BY project_id) AS runs ON runs.project_id = projects.id
WHERE projects.retention_days IS NOT NULL
ORDER BY runs.at NULLS FIRST, projects.id

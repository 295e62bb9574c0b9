-- Findings of a project, the newest first; or one of them by its id. Parameters: project_id, id, event, state (open, closed or null), before, most.
SELECT id, kind, event, property, value, expected, detail, opened_at, seen_at, closed_at, acknowledged_at, acknowledged_by, note
FROM quality_findings
WHERE project_id = %(project_id)s
    AND (%(id)s::uuid IS NULL OR id = %(id)s)
    AND (%(event)s::text IS NULL OR event = %(event)s)
    AND (%(state)s::text IS NULL OR (closed_at IS NULL) = (%(state)s = 'open'))
    AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC
LIMIT %(most)s

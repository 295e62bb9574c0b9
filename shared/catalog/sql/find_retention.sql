-- What a project keeps: events for so many days and refused payloads for so many, null for ever or as long as the events;
-- `rules` are [event, days] of events with days of their own. Parameter: project_id.
SELECT retention_days AS days, rejected_days,
    (
        SELECT coalesce(json_agg(json_build_array(event, rules.days) ORDER BY event), '[]')::text
        FROM retention_rules AS rules WHERE rules.project_id = projects.id
    ) AS rules
FROM projects WHERE id = %(project_id)s

-- The scores of a project's events day by day, the oldest first. Parameters: project_id, since, event (of all where null).
SELECT day, event, score, penalties, (profile::json ->> 'volume')::bigint AS volume
FROM quality_days
WHERE project_id = %(project_id)s AND day >= %(since)s AND score IS NOT NULL
    AND (%(event)s::text IS NULL OR event = %(event)s)
ORDER BY day, event

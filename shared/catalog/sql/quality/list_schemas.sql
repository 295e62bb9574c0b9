-- A project's schemas by name with their newest version, those after a name; or one of them by its id, or by its event.
-- Parameters: project_id, id, event, after, most.
SELECT of_event.id, of_event.event, of_event.compatibility, of_event.version, of_event.created_at, of_event.updated_at, versions.schema
FROM event_schemas AS of_event
    JOIN event_schema_versions AS versions ON versions.schema_id = of_event.id AND versions.version = of_event.version
WHERE of_event.project_id = %(project_id)s
    AND (%(id)s::uuid IS NULL OR of_event.id = %(id)s)
    AND (%(event)s::text IS NULL OR of_event.event = %(event)s)
    AND (%(after)s::text IS NULL OR of_event.event > %(after)s)
ORDER BY of_event.event
LIMIT %(most)s

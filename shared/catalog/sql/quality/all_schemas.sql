-- The newest schemas of all projects that judge events as they come, those of a project together. No parameters.
SELECT settings.project_id, settings.mode, of_event.id, of_event.event, of_event.version, versions.schema
FROM quality_settings AS settings
    JOIN projects ON projects.id = settings.project_id AND projects.deleted_at IS NULL
    JOIN event_schemas AS of_event ON of_event.project_id = settings.project_id
    JOIN event_schema_versions AS versions ON versions.schema_id = of_event.id AND versions.version = of_event.version
WHERE settings.mode IN ('warn', 'reject')
ORDER BY settings.project_id, of_event.event

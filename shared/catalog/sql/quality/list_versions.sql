-- The versions of a schema, the newest first. Parameters: id, project_id, most.
SELECT versions.version, versions.schema, versions.note, versions.created_at
FROM event_schema_versions AS versions JOIN event_schemas AS of_event ON of_event.id = versions.schema_id
WHERE of_event.id = %(id)s AND of_event.project_id = %(project_id)s
ORDER BY versions.version DESC
LIMIT %(most)s

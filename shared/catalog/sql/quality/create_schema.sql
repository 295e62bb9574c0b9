-- A schema with its first version; no row where the event has one. Parameters: id, project_id, event, compatibility, schema, note.
WITH made AS (
    INSERT INTO event_schemas (id, project_id, event, compatibility, version)
    VALUES (%(id)s, %(project_id)s, %(event)s, %(compatibility)s, 1)
    ON CONFLICT (project_id, event) DO NOTHING
    RETURNING id, event, compatibility, version, created_at, updated_at
), first AS (
    INSERT INTO event_schema_versions (schema_id, version, schema, note)
    SELECT id, version, %(schema)s, %(note)s FROM made
)
SELECT made.*, %(schema)s::text AS schema FROM made

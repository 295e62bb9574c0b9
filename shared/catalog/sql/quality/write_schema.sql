-- The next version of a schema; no row where it is not at `before` any more. Parameters: id, project_id, before, compatibility, schema, note.
WITH made AS (
    UPDATE event_schemas
    SET version = version + 1, compatibility = %(compatibility)s, updated_at = clock_timestamp()
    WHERE id = %(id)s AND project_id = %(project_id)s AND version = %(before)s
    RETURNING id, event, compatibility, version, created_at, updated_at
), next AS (
    INSERT INTO event_schema_versions (schema_id, version, schema, note)
    SELECT id, version, %(schema)s, %(note)s FROM made
)
SELECT made.*, %(schema)s::text AS schema FROM made

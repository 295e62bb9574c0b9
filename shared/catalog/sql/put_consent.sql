-- Keep what people said last of their consent; what was said later stays. Parameters: project_id, people (hashes), state,
-- source, version (microseconds), changed_at.
INSERT INTO consents AS kept (project_id, person, state, source, version, changed_at)
SELECT %(project_id)s, person, %(state)s, %(source)s, %(version)s, %(changed_at)s FROM unnest(%(people)s::bytea[]) AS person
ON CONFLICT (project_id, person) DO UPDATE SET
    state = excluded.state, source = excluded.source, version = excluded.version, changed_at = excluded.changed_at
WHERE kept.version < excluded.version
RETURNING person

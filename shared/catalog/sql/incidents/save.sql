-- What became of an incident, its step in the timeline and who is to hear of it: all or nothing; no row where somebody else
-- changed it meanwhile. Parameters: id, version (as it was read), the columns that change; step_id (null for no step),
-- step_kind, step_time, actor, who, note, step_data; notice_id (null for none), notice_kind, emails, channels, language,
-- audience, noted_at; drops (forget what waits to be told).
WITH saved AS (
    UPDATE incidents SET
        name = %(name)s, severity = %(severity)s, state = %(state)s, snoozed_until = %(snoozed_until)s::timestamptz,
        held = %(held)s, in_maintenance = %(in_maintenance)s, data = %(data)s, source_id = %(source_id)s,
        source_at = %(source_at)s, step = %(step)s, step_at = %(step_at)s::timestamptz, repeats = %(repeats)s,
        next_at = %(next_at)s::timestamptz, acknowledged_at = %(acknowledged_at)s::timestamptz,
        acknowledged_by = %(acknowledged_by)s, resolved_at = %(resolved_at)s::timestamptz, version = version + 1
    WHERE id = %(id)s AND version = %(version)s
    RETURNING id, project_id
), noted AS (
    INSERT INTO incident_steps (id, incident_id, at, kind, actor, who, note, data)
    SELECT %(step_id)s::uuid, id, %(step_time)s::timestamptz, %(step_kind)s::text, %(actor)s::text, %(who)s::text,
        %(note)s::text, %(step_data)s::text
    FROM saved WHERE %(step_id)s::uuid IS NOT NULL
    ON CONFLICT DO NOTHING
), dropped AS (
    DELETE FROM incident_notices
    WHERE incident_id IN (SELECT id FROM saved) AND batch_id IS NULL AND kind <> 'resolved' AND %(drops)s::boolean
), waiting AS (
    INSERT INTO incident_notices (id, incident_id, project_id, kind, emails, channels, language, audience, noted_at)
    SELECT %(notice_id)s::uuid, id, project_id, %(notice_kind)s::text, %(emails)s::text[], %(channels)s::uuid[],
        %(language)s::text, %(audience)s::text, %(noted_at)s::timestamptz
    FROM saved WHERE %(notice_id)s::uuid IS NOT NULL
)
SELECT id FROM saved

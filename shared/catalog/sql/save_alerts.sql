-- Note where many rules stand after their windows, and their steps into other states: of each rule both or neither. A
-- row `saved` for each rule that was, none where it is another than was judged or somebody judged its window before; a
-- row `noted` for each step that nobody had noted. Parameters: alerts, a JSON array of id, version, seen (evaluated_to as
-- it was read), evaluated_to, state, value, pending_since, incident_id, problem_code, problem_detail, groups; steps, a
-- JSON array of id, alert_id, group_name, at, before, after, value, incident_id, since, code, detail, told.
WITH saved AS (
    UPDATE alerts SET
        state = given.state, value = given.value, pending_since = given.pending_since, incident_id = given.incident_id,
        problem_code = given.problem_code, problem_detail = given.problem_detail, evaluated_to = given.evaluated_to,
        groups = given.groups
    FROM jsonb_to_recordset(%(alerts)s::jsonb) AS given (
        id uuid, version integer, seen timestamptz, evaluated_to timestamptz, state text, value float8,
        pending_since timestamptz, incident_id uuid, problem_code text, problem_detail text, groups text
    )
    WHERE alerts.id = given.id AND alerts.version = given.version
        AND alerts.evaluated_to IS NOT DISTINCT FROM given.seen
    RETURNING alerts.id, alerts.project_id, alerts.rule
), noted AS (
    INSERT INTO alert_changes
        (id, alert_id, project_id, at, before, after, value, incident_id, since, code, detail, group_name, rule, announced)
    SELECT step.id, saved.id, saved.project_id, step.at, step.before, step.after, step.value, step.incident_id, step.since,
        step.code, step.detail, step.group_name, saved.rule, NOT step.told
    FROM jsonb_to_recordset(%(steps)s::jsonb) AS step (
        id uuid, alert_id uuid, group_name text, at timestamptz, before text, after text, value float8, incident_id uuid,
        since timestamptz, code text, detail text, told boolean
    )
    INNER JOIN saved ON saved.id = step.alert_id
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
SELECT 'saved' AS what, id FROM saved
UNION ALL
SELECT 'noted', id FROM noted

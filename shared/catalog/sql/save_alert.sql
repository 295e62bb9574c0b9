-- Note where a rule stands after a window, and its step into another state, both or neither; no row where the rule is
-- another than was judged or somebody judged the window before. Parameters: id, version, seen (evaluated_to as it was
-- read), evaluated_to, state, value, pending_since, incident_id, problem_code, problem_detail; change_id (null for no
-- step), before, after, since, told.
WITH saved AS (
    UPDATE alerts SET
        state = %(state)s, value = %(value)s::float8, pending_since = %(pending_since)s::timestamptz,
        incident_id = %(incident_id)s::uuid,
        problem_code = %(problem_code)s::text, problem_detail = %(problem_detail)s::text, evaluated_to = %(evaluated_to)s
    WHERE id = %(id)s AND version = %(version)s AND evaluated_to IS NOT DISTINCT FROM %(seen)s::timestamptz
    RETURNING id, project_id, rule
), noted AS (
    INSERT INTO alert_changes
        (id, alert_id, project_id, at, before, after, value, incident_id, since, code, detail, rule, announced)
    SELECT %(change_id)s::uuid, id, project_id, %(evaluated_to)s::timestamptz, %(before)s::text, %(after)s::text,
        %(value)s::float8, %(incident_id)s::uuid, %(since)s::timestamptz, %(problem_code)s::text,
        %(problem_detail)s::text, rule, NOT %(told)s::boolean
    FROM saved WHERE %(change_id)s::uuid IS NOT NULL
)
SELECT id FROM saved

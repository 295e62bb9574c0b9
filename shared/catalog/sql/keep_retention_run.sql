-- Note a run before it begins, or that it was held or only tried. Parameters: id, project_id, state, days, cutoff, plan
-- (JSON), at, hours (JSON), hour_count, events, rows, rejected, held_rows, detail.
INSERT INTO retention_runs (
    id, project_id, state, days, cutoff, plan, at, hours, hour_count, events, rows, rejected, held_rows, detail
)
VALUES (
    %(id)s, %(project_id)s, %(state)s, %(days)s, %(cutoff)s, %(plan)s, %(at)s, %(hours)s, %(hour_count)s, %(events)s,
    %(rows)s, %(rejected)s, %(held_rows)s, %(detail)s
)

-- Note a run before it begins, or that it was held or only tried. Parameters: id, project_id, state, days, cutoff, at,
-- hours (JSON), hour_count, events, rows, rejected, detail.
INSERT INTO retention_runs (id, project_id, state, days, cutoff, at, hours, hour_count, events, rows, rejected, detail)
VALUES (
    %(id)s, %(project_id)s, %(state)s, %(days)s, %(cutoff)s, %(at)s, %(hours)s, %(hour_count)s, %(events)s, %(rows)s,
    %(rejected)s, %(detail)s
)

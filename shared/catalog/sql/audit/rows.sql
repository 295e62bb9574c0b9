-- Rows of an organisation's audit log in their order, those after `after`, at most `most`, up to `until` (inclusive).
-- Parameters: organisation_id, after, until, most.
SELECT organisation_id, seq, at, actor_kind, actor_id, actor_name, action, target, project_id, before, after,
    request_id, address, previous, hash
FROM audit_log
WHERE organisation_id = %(organisation_id)s AND seq > %(after)s AND seq <= %(until)s
ORDER BY seq LIMIT %(most)s

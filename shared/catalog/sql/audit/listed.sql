-- Rows of an organisation's audit log, the newest first, those before the number `before_seq`, by filters of which each
-- may be null. Parameters: organisation_id, before_seq, most, actor (id or name), action (whole, or up to its dot),
-- target (whole, or up to its colon), project_id, since, until.
SELECT organisation_id, seq, at, actor_kind, actor_id, actor_name, action, target, project_id, before, after,
    request_id, address, previous, hash
FROM audit_log
WHERE organisation_id = %(organisation_id)s AND seq < %(before_seq)s
    AND (%(actor)s::text IS NULL OR actor_id = %(actor)s OR actor_name = %(actor)s)
    AND (%(action)s::text IS NULL OR action = %(action)s OR split_part(action, '.', 1) = %(action)s)
    AND (%(target)s::text IS NULL OR target = %(target)s OR split_part(target, ':', 1) = %(target)s)
    AND (%(project_id)s::uuid IS NULL OR project_id = %(project_id)s)
    AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY seq DESC LIMIT %(most)s

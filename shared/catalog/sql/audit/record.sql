-- Append to an organisation's audit log; the table's trigger gives the row its number, its time and its place in the
-- chain. Parameters: organisation_id, actor_kind, actor_id, actor_name, action, target, project_id, before, after,
-- request_id, address.
INSERT INTO audit_log (organisation_id, actor_kind, actor_id, actor_name, action, target, project_id, before, after,
    request_id, address)
VALUES (%(organisation_id)s, %(actor_kind)s, %(actor_id)s, %(actor_name)s, %(action)s, %(target)s, %(project_id)s,
    %(before)s, %(after)s, %(request_id)s, %(address)s)
RETURNING seq

-- Append to the audit log of a project's organisation; as audit/record does. Parameters: project_id, actor_kind,
-- actor_id, actor_name, action, target, request_id, address.
INSERT INTO audit_log (organisation_id, actor_kind, actor_id, actor_name, action, target, project_id, request_id,
    address)
SELECT organisation_id, %(actor_kind)s, %(actor_id)s, %(actor_name)s, %(action)s, %(target)s, id, %(request_id)s,
    %(address)s
FROM projects WHERE id = %(project_id)s
RETURNING seq

-- The incidents of some rules that are not over, the oldest first. Parameters: project_id, ids.
SELECT id, rule_id, dedup_key, group_name, state FROM incidents
WHERE project_id = %(project_id)s AND rule_id = ANY(%(ids)s::uuid[]) AND state <> 'resolved'
ORDER BY opened_at, id

-- The names of rules that name a policy. Parameters: policy_id, project_id, most.
SELECT name FROM alerts
WHERE project_id = %(project_id)s AND rule::jsonb ->> 'policy' = %(policy_id)s::text
ORDER BY name LIMIT %(most)s

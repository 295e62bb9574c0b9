-- Write a policy anew. Parameters: id, project_id, name, policy.
UPDATE policies SET name = %(name)s, policy = %(policy)s, updated_at = now()
WHERE id = %(id)s AND project_id = %(project_id)s
RETURNING id, project_id, name, policy, created_at, updated_at

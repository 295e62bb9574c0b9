-- A new policy; no row where the project has as many as it may: first its row is locked (lock_project). Parameters: id,
-- project_id, name, policy, most.
INSERT INTO policies (id, project_id, name, policy)
SELECT %(id)s, %(project_id)s, %(name)s, %(policy)s
WHERE (SELECT count(*) FROM policies WHERE project_id = %(project_id)s) < %(most)s
RETURNING id, project_id, name, policy, created_at, updated_at

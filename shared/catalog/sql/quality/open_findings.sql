-- The findings of a project that are open, which nobody else changes until the transaction is over. Parameter: project_id.
SELECT * FROM quality_findings WHERE project_id = %(project_id)s AND closed_at IS NULL ORDER BY id FOR UPDATE

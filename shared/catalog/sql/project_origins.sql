-- The origins whose pages may read a project, of every project that names some.
SELECT id, allowed_origins FROM projects WHERE cardinality(allowed_origins) > 0 AND deleted_at IS NULL LIMIT 10000

-- Make or replace a reference table; no row comes back where the project would have too many rows or tables.
-- Parameters: project_id, name, field, version, row_count, content (JSON), most_rows, most_tables.
INSERT INTO reference_tables AS present (project_id, name, field, version, row_count, content)
SELECT %(project_id)s, %(name)s, %(field)s, %(version)s, %(row_count)s, %(content)s
WHERE (
    SELECT coalesce(sum(row_count), 0) + %(row_count)s <= %(most_rows)s AND count(*) < %(most_tables)s
    FROM reference_tables
    WHERE project_id = %(project_id)s AND name <> %(name)s
)
ON CONFLICT (project_id, name) DO UPDATE SET
    field = excluded.field,
    version = excluded.version,
    row_count = excluded.row_count,
    content = excluded.content,
    updated_at = now()
RETURNING name, field, version, row_count, updated_at

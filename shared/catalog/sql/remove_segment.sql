-- Remove a segment with its timer; no row where there is none. Parameters: id, project_id, timer, item.
WITH gone AS (
    DELETE FROM segments WHERE id = %(id)s AND project_id = %(project_id)s RETURNING id
), ended AS (
    DELETE FROM timers WHERE name = %(timer)s AND item = %(item)s AND EXISTS (SELECT FROM gone)
)
SELECT id FROM gone

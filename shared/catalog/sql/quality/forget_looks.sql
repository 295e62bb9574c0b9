-- The last two days are to be looked at again. Parameter: project_id.
DELETE FROM quality_looks WHERE project_id = %(project_id)s AND day >= (now() AT TIME ZONE 'UTC')::date - 1

-- What nobody looks at any more. Parameters: project_id, days_before, findings_before.
WITH days AS (
    DELETE FROM quality_days WHERE project_id = %(project_id)s AND day < %(days_before)s
), looks AS (
    DELETE FROM quality_looks WHERE project_id = %(project_id)s AND day < %(days_before)s
)
DELETE FROM quality_findings WHERE project_id = %(project_id)s AND closed_at < %(findings_before)s

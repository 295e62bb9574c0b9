-- Remove runs of a project's reports. Parameters: project_id, ids.
DELETE FROM report_runs WHERE project_id = %(project_id)s AND id = ANY(%(ids)s::uuid[])

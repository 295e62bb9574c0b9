-- What is held back in a project is looked at again: what held it was changed. Parameters: project_id, now.
UPDATE incidents SET next_at = %(now)s, version = version + 1
WHERE project_id = %(project_id)s AND held <> '' AND state <> 'resolved' AND next_at > %(now)s::timestamptz

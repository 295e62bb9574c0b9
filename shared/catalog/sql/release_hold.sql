-- End a legal hold that is not over. Parameters: project_id, id.
UPDATE legal_holds SET released_at = now() WHERE project_id = %(project_id)s AND id = %(id)s AND released_at IS NULL

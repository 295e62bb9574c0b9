-- Remove a policy; its open incidents are told to nobody any more. Parameters: id, project_id.
DELETE FROM policies WHERE id = %(id)s AND project_id = %(project_id)s RETURNING id

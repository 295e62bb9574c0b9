-- The merges that name one of the keys. Parameters: project, keys (user keys), bound by shared.warehouse.personal.
project_id = /*project*/ AND (from_key IN /*keys*/ OR to_key IN /*keys*/)

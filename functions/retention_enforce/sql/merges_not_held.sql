-- Merges of nobody under hold. Parameters as in not_held.sql.
NOT hasAny([from_key, to_key], (SELECT groupArray(user_key) FROM held_keys WHERE project_id = /*project*/ AND run_id = /*run*/))

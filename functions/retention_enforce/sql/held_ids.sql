-- The ids under hold in a run, without what says of which kind they are. Parameters: project, run, most.
SELECT DISTINCT substring(user_key, 3) FROM held_keys WHERE project_id = /*project*/ AND run_id = /*run*/ LIMIT /*most*/

-- Events of nobody under hold: neither theirs nor, in any repeat, of a device of theirs. Parameters: project, run.
user_key NOT IN (SELECT user_key FROM held_keys WHERE project_id = /*project*/ AND run_id = /*run*/)
    AND (event, timestamp, user_key, event_id) NOT IN (
        SELECT event, timestamp, user_key, event_id
        FROM events
        WHERE project_id = /*project*/
            AND anonymous_id != ''
            AND concat('a:', anonymous_id) IN (
                SELECT user_key FROM held_keys WHERE project_id = /*project*/ AND run_id = /*run*/
            )
    )

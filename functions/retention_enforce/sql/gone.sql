-- What was said of people of whom no event is left, and is due itself. Parameters: due, project; pairs as in held_linked.sql.
/*due*/
    AND transform(user_key, (SELECT groupArray(key) FROM (/*pairs*/)), (SELECT groupArray(person) FROM (/*pairs*/)), user_key) NOT IN (
        SELECT DISTINCT
            transform(user_key, (SELECT groupArray(key) FROM (/*pairs*/)), (SELECT groupArray(person) FROM (/*pairs*/)), user_key)
        FROM events
        WHERE project_id = /*project*/ AND user_key != ''
    )

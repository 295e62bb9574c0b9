-- What was said of nobody under hold. Parameters as in not_held.sql.
NOT hasAny(
    arrayConcat([user_key, concat('a:', anonymous_id)], from_keys),
    (SELECT groupArray(user_key) FROM held_keys WHERE project_id = /*project*/ AND run_id = /*run*/)
)

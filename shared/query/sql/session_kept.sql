    -- Runs of the other days, from their rollup: a day's newest generation.
    SELECT
        user_key, session_id, started, ended, first_id AS run_id, events, minutes, entry, exit, /*first*/ AS run_first, true AS run_holds
    FROM user_sessions
    WHERE project_id = /*project*/
        AND day >= toDate(/*start*/)
        AND day < toDate(/*end*/)
        AND NOT has(/*unrolled*/, toUInt32(toUnixTimestamp(toDateTime(day, 'UTC'))))
        AND (day, generation) IN
        (
            SELECT day, max(generation)
            FROM daily_metrics
            WHERE project_id = /*project*/ AND day >= toDate(/*start*/) AND day < toDate(/*end*/)
            GROUP BY day
        )

(
    -- A session: runs of one person, of one session_id or of none, each begun before the pause after those before it was over.
    SELECT
        person,
        session_id,
        min(started) AS timestamp,
        max(ended) AS over,
        (toUnixTimestamp64Micro(over) - toUnixTimestamp64Micro(timestamp)) / 1000000 AS seconds,
        sum(events) AS number,
        uniqExactArray(minutes) * 60 AS active,
        argMinIf(entry.3, (entry.1, entry.2), entry.3 != '') AS entry_page,
        argMaxIf(exit.3, (exit.1, exit.2), exit.3 != '') AS exit_page,
        argMin(run_first, (started, run_id, user_key)) AS first,
        argMin(run_id, (started, run_id, user_key)) AS first_id,
        max(run_holds) AS holds,
        over + toIntervalSecond(if(session_id = '', /*gap*/, /*longest*/)) AS open_until
    FROM
    (
        SELECT *, sum(begins) OVER (PARTITION BY person, session_id ORDER BY started, run_id, user_key ROWS UNBOUNDED PRECEDING) AS place
        FROM
        (
            SELECT
                *,
                row_number() OVER (PARTITION BY person, session_id ORDER BY started, run_id, user_key) = 1
                    OR started > toIntervalSecond(if(session_id = '', /*gap*/, /*longest*/))
                        + max(ended) OVER (
                            PARTITION BY person, session_id ORDER BY started, run_id, user_key
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                        ) AS begins
            FROM
            (
                SELECT *, /*person*/ AS person
                FROM
                (
/*runs*/
                )
            )
        )
    )
    GROUP BY person, session_id, place
    HAVING timestamp >= /*from*/ AND timestamp < /*to*/
)

(
    -- Each conversion's touches, and which part of it each model credits them with; NULL is the key of one without any.
    SELECT
        subject,
        worth,
        arrayJoin(if(empty(touches), [CAST((NULL, /*nothing*/), 'Tuple(Nullable(String), /*types*/)')],
            arrayMap((touch, place) -> (touch.2, /*weights*/), touches, arrayEnumerate(touches)))) AS part,
        part.1 AS key
    FROM
    (
        SELECT
            subject,
            converted.1 AS at,
            converted.2 AS worth,
            arrayFilter(touch -> touch.1 <= at AND touch.1 >= at - /*lookback*/, all_touches) AS seen,
            /*collapsed*/ AS touches,
            length(touches) AS number,
            arraySum(touch -> /*decay*/, touches) AS decayed
        FROM
        (
            SELECT
                subject,
                arraySort(groupArrayIf((moment, key), touched AND isNotNull(key))) AS all_touches,
                arrayJoin(groupArrayIf((moment, worth), converts AND moment >= /*from*/)) AS converted
            FROM
            (
                SELECT
                    /*subject*/ AS subject,
                    toUnixTimestamp64Micro(timestamp) AS moment,
                    /*key*/ AS key,
                    /*converts*/ AS converts,
                    /*touched*/ AS touched,
                    /*worth*/ AS worth
                FROM /*rows*/
            )
            GROUP BY subject
        )
    )
)

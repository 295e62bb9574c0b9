-- Runs of whole UTC days, made from their events: what belongs to one id, day and session_id, in the order of time, cut where
-- the pause is longer than allowed. FINAL counts what was stored twice once. `first` is of the run's first event. In no order.
SELECT
    day,
    user_key,
    session_id,
    run[1].1 AS started,
    run[-1].1 AS ended,
    run[1].2 AS run_id,
    length(run) AS events,
    arrayDistinct(arrayMap(item -> toUInt32(toUnixTimestamp64Second(item.1) DIV 60), run)) AS minutes,
    arrayFirst(item -> item.4 != '', run) AS entry_item,
    arrayLast(item -> item.4 != '', run) AS exit_item,
    (entry_item.1, entry_item.2, entry_item.4) AS entry,
    (exit_item.1, exit_item.2, exit_item.4) AS exit,
    run[1].5 AS run_first,
    /*holds*/ AS run_holds
FROM
(
    SELECT
        day,
        user_key,
        session_id,
        arrayJoin(
            arraySplit(
                (item, pause) -> pause > if(session_id = '', /*gap*/, /*longest*/),
                items,
                arrayDifference(arrayMap(item -> toUnixTimestamp64Micro(item.1), items))
            )
        ) AS run
    FROM
    (
        SELECT
            toDate(timestamp) AS day,
            user_key,
            session_id,
            arraySort(item -> (item.1, item.2, item.3), groupArray((timestamp, event_id, event, path, /*first*/))) AS items
        FROM events FINAL
        WHERE /*scope*/
            AND (user_key != '' OR session_id != '')
            AND (/*days*/)
        GROUP BY day, user_key, session_id
    )
)

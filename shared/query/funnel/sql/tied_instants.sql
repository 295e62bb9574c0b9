-- What happened at each instant of a person: the events by what steps they can be, and how many of each kind, in order.
        SELECT
            subject/*hold*/,
            instant[1].1 AS moment,
            arrayFilter(steps -> steps > 0, arrayMap(event -> bitAnd(event.2, /*step_bits*/), instant)) AS kinds,
            arrayMap(
                steps -> (steps, toUInt32(least(countEqual(kinds, steps), /*most*/))), arraySort(arrayDistinct(kinds))
            ) AS events,
            arrayReduce('groupBitOr', arrayMap(event -> bitAnd(event.2, bitNot(/*step_bits*/)), instant)) AS barring
        FROM
        (
            SELECT
                subject/*hold*/,
                arrayJoin(
                    arraySplit((event, pause) -> pause > 0, sorted, arrayDifference(arrayMap(event -> event.1, sorted)))
                ) AS instant
            FROM
            (
                SELECT subject/*hold*/, arraySort(groupArray((moment, mask))) AS sorted
                FROM
                (
                    SELECT /*columns*/
                    FROM /*rows*/
                )
                WHERE mask > 0
                GROUP BY subject/*hold*/
            )
        )

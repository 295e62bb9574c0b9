-- What happened at each instant of a person: the events by what steps they can be, and how many of each kind, in order.
        SELECT
            subject/*hold*/,
            moment,
            arraySort(groupArrayIf((steps, least(n, /*most*/)), steps > 0)) AS events,
            groupBitOr(others) AS barring
        FROM
        (
            SELECT subject/*hold*/, moment, bitAnd(mask, /*step_bits*/) AS steps, bitAnd(mask, bitNot(/*step_bits*/)) AS others, toUInt32(count()) AS n
            FROM
            (
                SELECT /*columns*/
                FROM /*rows*/
            )
            WHERE mask > 0
            GROUP BY subject/*hold*/, moment, steps, others
        )
        GROUP BY subject/*hold*/, moment

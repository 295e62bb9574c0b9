(
    -- The way of each person: numbers of values, at most so many; events of one instant in the order of their values.
    SELECT subject, arraySlice(/*steps*/, 1, /*most*/) AS way
    FROM
    (
        SELECT subject, arraySort(groupArray((moment, number, marked))) AS events
        FROM
        (
            SELECT
                /*subject*/ AS subject,
                toUnixTimestamp64Micro(timestamp) AS moment,
                toUInt16(/*number*/) AS number,
                toUInt8(/*marked*/) AS marked
            FROM /*rows*/
        )
        GROUP BY subject
    )
    WHERE notEmpty(way)
)

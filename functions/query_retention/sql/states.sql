(
    -- What each person is in each interval. `active` are the intervals in which they did something: -1 is the one before
    -- the range, -2 any earlier one.
    SELECT subject, arrayJoin(arrayConcat(
        arrayMap(one -> (one, multiIf(has(active, one - 1), 'returning', one = arrayMin(active), 'new', 'resurrecting')),
            arrayFilter(one -> one >= 0, active)),
        arrayMap(one -> (one + 1, 'dormant'), arrayFilter(one -> one >= -1 AND NOT has(active, one + 1), active))
    )) AS found, found.1 AS bucket, found.2 AS state
    FROM
    (
        SELECT subject, groupUniqArray(bucket) AS active
        FROM
        (
            SELECT
                /*subject*/ AS subject,
                multiIf(timestamp < /*before*/, toInt32(-2), timestamp < /*from*/, toInt32(-1), toInt32(/*bucket*/)) AS bucket
            FROM /*rows*/
        )
        GROUP BY subject
    )
)

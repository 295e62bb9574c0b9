(
    -- The same by a date in people's profiles, of those who did anything: it begins their cohort and their clock.
    SELECT subject/*touch*/, cohort, /*offsets*/ AS offsets
    FROM
    (
        SELECT subject, /*came*/ AS came/*touched*/
        FROM
        (
        /*acts*/
        )
        GROUP BY subject
    ) AS doing
    INNER JOIN
    (
        SELECT subject, anchor, fromUnixTimestamp64Micro(anchor) AS timestamp, toInt32(/*bucket*/) AS cohort
        FROM
        (
            SELECT person AS subject, /*dated*/ AS anchor
            FROM
            (
/*profiles*/
            )
        )
        WHERE anchor >= toUnixTimestamp64Micro(/*from*/) AND anchor < toUnixTimestamp64Micro(/*to*/)
    ) AS dates USING (subject)
)

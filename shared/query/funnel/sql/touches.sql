
    INNER JOIN
    (
        -- What a first step of each person says in the field that the funnel is broken down by.
        SELECT subject, tupleElement(/*pick*/(tuple(key), (moment, ifNull(key, ''))), 1) AS touch
        FROM
        (
            SELECT /*columns*/, /*key*/ AS key
            FROM /*rows*/
        )
        WHERE bitTest(mask, 0) AND moment < /*end*/
        GROUP BY subject
    ) AS touched USING (subject)

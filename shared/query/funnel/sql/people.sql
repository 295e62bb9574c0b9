(
    -- Each person and when each step was reached first, and how long after the way's begin.
    SELECT subject/*touch*/, /*reached*/
    FROM
    (
        SELECT
            subject,
            sorted.1 AS ts,
            sorted.2 AS ms,
        /*levels*/
        FROM
        (
/*paths*/
        )
    ) AS ways/*touches*/
    /*grouped*/
)

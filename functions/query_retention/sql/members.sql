(
    -- Each person of each cohort, and at which offsets they came back: (offset, amount, whether it stands for a person).
    SELECT subject/*touch*/, cohort, /*offsets*/ AS offsets
    FROM
    (
        SELECT subject/*touch*/, /*cohorts*/ AS cohort, anchor, came
        FROM
        (
            SELECT
                subject,
                minIf(moment, started) AS anchor,
                minIf(bucket, started) AS first_bucket,
                groupUniqArrayIf(bucket, started AND bucket >= 0) AS buckets,
                /*came*/ AS came/*touched*/
            FROM
            (
            /*acts*/
            )
            GROUP BY subject
            HAVING countIf(started) > 0 AND first_bucket >= 0
        )
    )
)

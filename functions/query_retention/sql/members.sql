(
    -- Each person of each cohort, and at which offsets they came back: (offset, amount, whether it stands for a person).
    SELECT subject, cohort, /*offsets*/ AS offsets
    FROM
    (
        SELECT subject, /*cohorts*/ AS cohort, anchor, came
        FROM
        (
            SELECT
                subject,
                minIf(moment, started) AS anchor,
                minIf(bucket, started) AS first_bucket,
                groupUniqArrayIf(bucket, started AND bucket >= 0) AS buckets,
                /*came*/ AS came
            FROM
            (
                SELECT
                    /*subject*/ AS subject,
                    toUnixTimestamp64Micro(timestamp) AS moment,
                    if(timestamp < /*from*/, toInt32(-1), toInt32(/*bucket*/)) AS bucket,
                    /*started*/ AS started,
                    /*returned*/ AS returned,
                    /*amount*/ AS amount
                FROM /*rows*/
            )
            GROUP BY subject
            HAVING countIf(started) > 0 AND first_bucket >= 0
        )
    )
)

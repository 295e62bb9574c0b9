-- How many people of each cohort came back how many intervals later, or what they spent; offset 0 is the cohort itself.
SELECT cohort, offset, sum(found.3) AS people, sum(found.2) AS spent
FROM
(
    SELECT cohort, /*offsets*/ AS offsets
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
ARRAY JOIN offsets AS found
GROUP BY cohort, found.1 AS offset
HAVING offset <= /*most*/
ORDER BY cohort, offset

-- The same of each of the largest groups, those with most people in cohorts first, ties in the order of their keys.
SELECT touch, cohort, offset, people, spent
FROM
(
    SELECT *, dense_rank() OVER (ORDER BY size DESC, touch ASC NULLS LAST) AS place
    FROM
    (
        SELECT *, sum(if(offset = 0, people, 0)) OVER (PARTITION BY touch) AS size
        FROM
        (
            SELECT touch, cohort, found.1 AS offset, sum(found.3) AS people, sum(found.2) AS spent
            FROM
/*members*/
            ARRAY JOIN offsets AS found
            GROUP BY touch, cohort, offset
            HAVING offset <= /*most*/
        )
    )
)
WHERE place <= /*limit*/
ORDER BY place, cohort, offset

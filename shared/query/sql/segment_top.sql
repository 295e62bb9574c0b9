-- The people of the largest figures: of so many that have one, the share of them that is asked for, rounded up, ties with them.
SELECT person
FROM
(
    SELECT person, /*figure*/ AS figure, rank() OVER (ORDER BY figure DESC) AS place, count() OVER () AS people
    FROM
        events FINAL
    WHERE /*scope*/
    GROUP BY person
    HAVING isNotNull(figure)
)
WHERE place <= ceil(people * /*share*/)

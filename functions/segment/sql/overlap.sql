-- How many people are in each combination of segments; a combination is a number with a bit for each. In no order.
SELECT places, count() AS people
FROM
(
    SELECT person, groupBitOr(place) AS places
    FROM (/*members*/)
    GROUP BY person
)
GROUP BY places

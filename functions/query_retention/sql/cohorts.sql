-- How many people of each cohort came back how many intervals later, or what they spent; offset 0 is the cohort itself.
SELECT cohort, offset, sum(found.3) AS people, sum(found.2) AS spent
FROM
/*members*/
ARRAY JOIN offsets AS found
GROUP BY cohort, found.1 AS offset
HAVING offset <= /*most*/
ORDER BY cohort, offset

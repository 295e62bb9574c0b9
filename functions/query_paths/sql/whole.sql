-- The ways most people went, whole; ties in the order of their values.
SELECT way, count() AS people
FROM /*walks*/
GROUP BY way
HAVING people >= /*support*/
ORDER BY people DESC, way
LIMIT /*limit*/

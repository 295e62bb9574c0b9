-- Who was active in exactly so many intervals, in the order of their keys.
SELECT /*subject*/ AS subject
FROM /*rows*/
    AND /*subject*/ > /*after*/
GROUP BY subject
HAVING uniqExact(/*bucket*/) = /*intervals*/
ORDER BY subject
LIMIT /*limit*/

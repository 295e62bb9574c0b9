-- Who was active on one of some days, in the order of their keys.
SELECT /*subject*/ AS subject
FROM /*rows*/
    AND /*subject*/ > /*after*/
GROUP BY subject
ORDER BY subject
LIMIT /*limit*/

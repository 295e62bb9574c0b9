-- Who was in a state in an interval, in the order of their keys.
SELECT subject
FROM /*states*/
WHERE bucket = /*place*/ AND state = /*state*/
    AND subject > /*after*/
ORDER BY subject
LIMIT /*limit*/

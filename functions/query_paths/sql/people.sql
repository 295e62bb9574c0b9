-- Who went a way, in the order of their keys.
SELECT subject
FROM /*walks*/
WHERE /*went*/
    AND subject > /*after*/
ORDER BY subject
LIMIT /*limit*/

-- Whose sessions these are, in the order of their keys.
SELECT person
FROM /*sessions*/
WHERE /*conditions*/
    AND person != ''
    AND person > /*after*/
GROUP BY person
ORDER BY person
LIMIT /*limit*/

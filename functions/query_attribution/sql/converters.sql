-- Whose conversions are credited to some values by a model, in the order of their keys.
SELECT subject
FROM /*parts*/
WHERE part./*place*/ > 0 AND /*wanted*/
    AND subject > /*after*/
GROUP BY subject
ORDER BY subject
LIMIT /*limit*/

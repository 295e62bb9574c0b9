-- Who of a cohort came back at an offset, in the order of their keys; offset 0 is all of the cohort.
SELECT subject
FROM /*members*/
WHERE cohort = /*cohort*/ AND arrayExists(one -> one.1 = /*offset*/, offsets)
    AND subject > /*after*/
ORDER BY subject
LIMIT /*limit*/

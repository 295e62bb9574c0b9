-- Who of a cohort is behind its number at an offset, in the order of their keys.
SELECT subject
FROM /*members*/
WHERE cohort = /*cohort*/ AND arrayExists(one -> /*behind*/, offsets)/*group*/
    AND subject > /*after*/
ORDER BY subject
LIMIT /*limit*/

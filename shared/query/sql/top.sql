-- The keys of the largest groups of a project's events in a range, by the measure over the whole range; of numbers of
-- events the sum of all groups as well. Ordered by the measure, largest first, then by key; groups with nothing to
-- measure and missing keys come last.
SELECT /*keys*/, /*measure*/ AS value/*whole*/
FROM /*rows*/
GROUP BY /*names*/
ORDER BY value DESC NULLS LAST, /*order*/
LIMIT /*limit*/

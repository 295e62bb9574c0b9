-- The same by what the first step says, the groups with most people first, ties in the order of their keys.
SELECT touch AS key, /*counts*/, /*took*/
FROM /*people*/
WHERE reached_1.1 > 0
GROUP BY key
ORDER BY count_1 DESC, key ASC NULLS LAST
LIMIT /*limit*/

-- The version of each hour of a range that ever changed (the hour ledger), hours counted in seconds from 1970.
-- Parameters: project, and the first hour and the end in seconds, bound by functions.export.reading.
SELECT toInt64(toUnixTimestamp(hour)), sum(changes)
FROM hour_changes
WHERE project_id = /*project*/
    AND toInt64(toUnixTimestamp(hour)) >= /*start*/
    AND toInt64(toUnixTimestamp(hour)) < /*end*/
GROUP BY hour
ORDER BY hour

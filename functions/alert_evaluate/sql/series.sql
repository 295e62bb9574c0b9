-- A number of a project's events in each of many windows in a row: its place, the first is 0. Windows without events are
-- not there.
SELECT toUInt32(intDiv(toUnixTimestamp64Micro(timestamp) - /*start*/, /*window*/)) AS place, /*measure*/ AS value
FROM /*rows*/
GROUP BY place

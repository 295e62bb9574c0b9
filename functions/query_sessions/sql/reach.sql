-- The latest moment, in microseconds since 1970, up to which another event would go on with a session of the range; 0 of none.
SELECT max(toUnixTimestamp64Micro(open_until)) AS reach
FROM /*sessions*/

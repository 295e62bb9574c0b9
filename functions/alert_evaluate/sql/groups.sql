-- A number of a project's events in a range for each group, by what a field says; events without it are in no group.
-- Groups that are asked for come first, then the largest; ties in the order of their names.
SELECT leftUTF8(/*key*/, /*longest*/) AS group_key, /*measure*/ AS value
FROM /*rows*/
    AND notEmpty(/*key*/)/*only*/
GROUP BY group_key
ORDER BY /*first*/value DESC NULLS LAST, group_key
LIMIT /*limit*/

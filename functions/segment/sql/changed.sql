-- Who came and who went between two generations of a segment's members: how many, and the first of each.
-- Parameters: project, segment, before, after, shown.
SELECT
    countIf(now) AS size,
    countIf(now AND NOT then) AS entered,
    countIf(then AND NOT now) AS gone,
    arraySlice(groupArraySortedIf(1000)(person, now AND NOT then), 1, {shown:UInt32}) AS came,
    arraySlice(groupArraySortedIf(1000)(person, then AND NOT now), 1, {shown:UInt32}) AS went
FROM
(
    SELECT person, max(generation = {after:UInt64}) AS now, max(generation = {before:UInt64}) AS then
    FROM segment_members
    WHERE project_id = {project:UUID} AND segment_id = {segment:UUID} AND generation IN ({before:UInt64}, {after:UInt64})
    GROUP BY person
)

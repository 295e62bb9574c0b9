-- Runs of places of a partition, from `first` to before `end`, in which no record was written: the first and the last of each.
-- Parameters: partition, first, end, begun, others (places nobody writes a row for), most. By place.
SELECT previous + 1 AS from_place, place - 1 AS to_place
FROM
(
    SELECT
        place,
        lagInFrame(place, 1, {first:Int64} - 1) OVER (ORDER BY place ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS previous
    FROM
    (
        SELECT DISTINCT place
        FROM
        (
            SELECT position AS place
            FROM batch_places
            WHERE partition = {partition:Int32}
                AND position >= {first:Int64}
                AND position < {end:Int64}
                AND stored_at >= {begun:DateTime64(6, 'UTC')}
            UNION ALL
            SELECT arrayJoin(arrayConcat({others:Array(Int64)}, [{end:Int64}])) AS place
        )
    )
)
WHERE place > previous + 1
ORDER BY from_place
LIMIT {most:UInt32}

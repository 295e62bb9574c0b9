(
    -- Hours as counts, from their rollup. A header that is newer than the plan was made of rows as new. The engine fixes
    -- what it sees of a table in the order of these subqueries: who sees a header must see its counts, written before it.
    SELECT counts.event AS event, counts.bot AS bot, toDateTime64(counts.hour, 6, 'UTC') AS timestamp, counts.n AS n
    FROM
    (
        SELECT hour, max(generation) AS generation
        FROM rollup_hours
        WHERE /*scope*/
            AND hour >= /*whole_from*/
            AND hour < /*whole_to*/
            AND NOT has(/*unrolled*/, toUnixTimestamp(hour))
        GROUP BY hour
    ) AS header
    INNER JOIN
    (
        SELECT hour, generation, event, bot, n
        FROM rollup_counts
        WHERE /*scope*/
            AND hour >= /*whole_from*/
            AND hour < /*whole_to*/
    ) AS counts USING (hour, generation)/*rows*/
)

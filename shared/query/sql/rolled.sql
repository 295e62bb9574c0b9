(
    -- Hours as counts, from their rollup. A header that is newer than the plan was made of rows as new.
    SELECT event, bot, toDateTime64(hour, 6, 'UTC') AS timestamp, n
    FROM rollup_counts
    WHERE /*scope*/
        AND hour >= /*whole_from*/
        AND hour < /*whole_to*/
        AND NOT has(/*unrolled*/, toUnixTimestamp(hour))
        AND (hour, generation) IN
        (
            SELECT hour, max(generation)
            FROM rollup_hours
            WHERE /*scope*/
            GROUP BY hour
        )/*rows*/
)


    UNION ALL
    -- The other hours, counted from their rows.
    SELECT event, bot, toDateTime64(hour, 6, 'UTC') AS timestamp, n
    FROM
    (
        SELECT event, bot, toStartOfHour(timestamp) AS hour, count() AS n
        FROM events FINAL
        WHERE /*scope*/
            AND (/*hours*/)
        GROUP BY event, bot, hour
    )

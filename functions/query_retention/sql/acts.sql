    -- What everybody did, as far as cohorts ask: in which interval (-1 is before the range), and what it counts as.
    SELECT
        /*subject*/ AS subject,
        toUnixTimestamp64Micro(timestamp) AS moment,
        if(timestamp < /*from*/, toInt32(-1), toInt32(/*bucket*/)) AS bucket,
        /*started*/ AS started,
        /*returned*/ AS returned,
        /*amount*/ AS amount/*key*/
    FROM /*rows*/

-- The most frequent events of a day: how many, how many late, ahead of their time, of bots; and of one in `every`, by the hash of what
-- would repeat, how many are the same but for their id, and how many have the id of another. FINAL counts what was stored twice once.
SELECT
    toString(event) AS name,
    count() AS volume,
    countIf(received_at > timestamp + INTERVAL 1 HOUR) AS late,
    countIf(timestamp > received_at + INTERVAL 5 MINUTE) AS future,
    countIf(bot) AS bots,
    /*every*/ * (countIf(same % /*every*/ = 0) - uniqExactIf(same, same % /*every*/ = 0)) AS repeats,
    /*every*/ * (countIf(of_id % /*every*/ = 0) - uniqExactIf(of_id, of_id % /*every*/ = 0)) AS id_conflicts
FROM
(
    SELECT event, timestamp, received_at, bot, cityHash64(user_key, timestamp, properties_raw) AS same, cityHash64(event_id) AS of_id
    FROM events FINAL
    WHERE /*scope*/
)
GROUP BY event
ORDER BY volume DESC, name
LIMIT /*most*/

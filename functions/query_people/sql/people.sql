-- People with what is computed of them, the properties of their profiles that are asked for, in the order asked for.
-- Repeats of an event count once (FINAL); keys are grouped first, and the few of them resolved to people.
-- Parameters are bound by functions.query_people.logic.
SELECT
    people.person AS person,
    toUnixTimestamp64Micro(people.first_seen),
    toUnixTimestamp64Micro(people.last_seen),
    people.events,
    people.revenue/*columns*/
FROM
(
    SELECT
        /*person*/ AS person,
        min(earliest) AS first_seen,
        max(latest) AS last_seen,
        sum(n) AS events,
        round(sum(amount), 6) AS revenue/*did*/
    FROM
    (
        SELECT
            user_key,
            min(timestamp) AS earliest,
            max(timestamp) AS latest,
            count() AS n,
            sum(ifNull(revenue, 0)) AS amount/*doing*/
        FROM events FINAL
        WHERE /*scope*/
            AND user_key != ''
        GROUP BY user_key
    )
    GROUP BY person
) AS people/*joins*/
WHERE /*conditions*/
ORDER BY /*order*/
LIMIT /*limit*/

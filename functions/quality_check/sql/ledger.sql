-- How often the events of each day changed, and how many of it were refused: a day with other numbers is looked at again. All
-- projects, or one. Parameters: since and until (days), project ('' for all).
SELECT toString(project_id) AS project, toString(day) AS day, sum(n) AS ledger
FROM
(
    SELECT project_id, toDate(hour) AS day, sum(changes) AS n
    FROM hour_changes
    WHERE hour >= toDateTime({since:Date}, 'UTC') AND hour < toDateTime({until:Date}, 'UTC')
        AND ({project:String} = '' OR toString(project_id) = {project:String})
    GROUP BY project_id, day
    UNION ALL
    SELECT project_id, toDate(received_at) AS day, count() AS n
    FROM rejected_events
    WHERE received_at >= toDateTime({since:Date}, 'UTC') AND received_at < toDateTime({until:Date}, 'UTC')
        AND ({project:String} = '' OR toString(project_id) = {project:String})
    GROUP BY project_id, day
)
GROUP BY project_id, day
ORDER BY project, day DESC

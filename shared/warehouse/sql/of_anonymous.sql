-- Events of which any repeat holds one of the anonymous ids. Parameters as in of_users.sql.
project_id = /*project*/ AND (event, timestamp, user_key, event_id) IN (
    SELECT event, timestamp, user_key, event_id FROM events WHERE project_id = /*project*/ AND anonymous_id IN /*ids*/
)

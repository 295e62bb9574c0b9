-- Who is in the events that were stored after a time, whenever they were sent: batches say what was stored when.
-- Parameters: project, since, bound by functions.gdpr_delete.watch.
SELECT DISTINCT user_id, anonymous_id
FROM events
WHERE project_id = /*project*/
    AND batch_id IN (SELECT batch_id FROM batches WHERE project_id = /*project*/ AND stored_at > /*since*/)

-- Marks of replayed events whose refused payload is there no longer. Parameters: project, cutoff.
project_id = /*project*/
    AND received_at < /*cutoff*/
    AND (batch_id, position) NOT IN (
        SELECT batch_id, position FROM rejected_events WHERE project_id = /*project*/ AND received_at < /*cutoff*/
    )

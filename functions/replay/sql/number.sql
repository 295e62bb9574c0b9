-- How many those are. Parameters as in waiting.sql.
SELECT count()
FROM rejected_events FINAL
WHERE /*scope*/
    AND (batch_id, position) NOT IN (
        SELECT batch_id, position
        FROM rejected_replays FINAL
        WHERE project_id = /*project*/ AND outcome = 'stored' AND replayed_at < /*begun*/
    )

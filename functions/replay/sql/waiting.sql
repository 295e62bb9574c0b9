-- Refused events that were not replayed before this job, the oldest first, after the last one looked at. The columns stand in the
-- order functions.replay.stored takes them in. Parameters: scope (shared.query.scope), project, begun, after, most.
SELECT toString(batch_id), position, toUnixTimestamp64Micro(received_at), raw, raw_encoding, source, detail
FROM rejected_events FINAL
WHERE /*scope*/
    AND (batch_id, position) NOT IN (
        SELECT batch_id, position
        FROM rejected_replays FINAL
        WHERE project_id = /*project*/ AND outcome = 'stored' AND replayed_at < /*begun*/
    )
    AND /*after*/
ORDER BY received_at, batch_id, position
LIMIT /*most*/
SETTINGS query_plan_max_limit_for_lazy_materialization = 10000

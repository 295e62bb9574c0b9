-- What became of refused events of these records when they were replayed last. Parameters: project, batches (an array of ids).
SELECT toString(batch_id), position, toUnixTimestamp64Micro(replayed_at), outcome
FROM rejected_replays FINAL
WHERE project_id = /*project*/ AND batch_id IN /*batches*/

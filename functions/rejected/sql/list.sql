-- Refused events, the newest first, each once, however often its record was delivered. The raw bytes, which may be
-- large, are read of the page alone. The columns stand in the order functions.rejected.logic takes them in.
SELECT
    toString(batch_id),
    position,
    toUnixTimestamp64Micro(received_at),
    reason,
    detail,
    raw,
    raw_encoding,
    key_prefix,
    event,
    request_id,
    source
FROM rejected_events FINAL
WHERE /*scope*/
ORDER BY received_at DESC, batch_id DESC, position DESC
LIMIT /*limit*/
SETTINGS query_plan_max_limit_for_lazy_materialization = 10000

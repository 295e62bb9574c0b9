-- Keep a gap; one that is known already stays as it is. Parameters: id, kind, log, partition, first, last, project_id (null where
-- nobody knows), events (null likewise), detail.
INSERT INTO ledger_gaps (id, kind, log, partition, first_offset, last_offset, project_id, events, detail)
VALUES (
    %(id)s, %(kind)s, %(log)s, %(partition)s, %(first)s, %(last)s, %(project_id)s, %(events)s, %(detail)s
)
ON CONFLICT (log, partition, kind, first_offset, last_offset) DO NOTHING

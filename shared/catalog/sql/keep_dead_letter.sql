-- Keep a dead letter for people, once; no row comes back where all of them would be larger than `most` bytes.
-- Parameters: id, event_type, sink, dest, code, reason, detail, resent, since, attributes (JSON), data, size, most.
INSERT INTO dead_letters (id, event_type, sink, dest, code, reason, detail, resent, since, attributes, data, size)
SELECT
    %(id)s, %(event_type)s, %(sink)s, %(dest)s, %(code)s, %(reason)s, %(detail)s, %(resent)s, %(since)s,
    %(attributes)s, %(data)s, %(size)s
WHERE (SELECT coalesce(sum(size), 0) + %(size)s <= %(most)s FROM dead_letters WHERE id <> %(id)s)
ON CONFLICT (id) DO UPDATE SET
    code = excluded.code,
    reason = excluded.reason,
    detail = excluded.detail,
    resent = excluded.resent,
    since = excluded.since
RETURNING id

-- Access logs in the combined (or common) format of nginx and Apache. A visitor is a day's address and browser,
-- hashed: it cannot be followed from day to day. The address goes into the context: ingest finds its country and
-- stores it without its last part. A host name in its place is left out.
-- format: lines
regexp_extract(
    line,
    '^(\S+) \S+ (\S+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?',
    ['ip', 'user', 'time', 'request', 'status', 'bytes', 'referrer', 'agent']
) AS _log,
CASE WHEN _log['status'] <> '' THEN 'http_request' END AS event,
nullif(nullif(_log['user'], '-'), '') AS user_id,
nullif(nullif(_log['agent'], '-'), '') AS _agent,
try_strptime(_log['time'], '%d/%b/%Y:%H:%M:%S %z') AS timestamp,
CASE WHEN _log['status'] <> '' THEN md5(split_part(_log['time'], ':', 1) || ' ' || _log['ip'] || ' ' || coalesce(_agent, '')) END AS anonymous_id,
regexp_extract(_log['request'], '^(\S+) (\S+)(?: (\S+))?$', ['method', 'url', 'protocol']) AS _request,
nullif(_request['method'], '') AS method,
nullif(_request['url'], '') AS url,
CASE WHEN _request['url'] = '' THEN nullif(_log['request'], '') END AS request,
TRY_CAST(_log['status'] AS INTEGER) AS status,
TRY_CAST(_log['bytes'] AS BIGINT) AS bytes,
nullif(nullif(_log['referrer'], '-'), '') AS referrer,
CASE
    WHEN regexp_full_match(_log['ip'], '\d+(\.\d+){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%\w+)?') THEN _log['ip']
END AS _address,
json_merge_patch('{}', to_json({'ip': _address, 'userAgent': _agent})) AS context

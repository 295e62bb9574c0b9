-- One number over a project's events in a range: events, users, sessions, event types or a property's figure.
-- Parameters are bound by shared.query.scope; FINAL counts an event that was stored twice once.
SELECT /*measure*/ AS value
FROM events FINAL
WHERE /*scope*/

-- How much a project had in a range: events, users, sessions. Parameters are bound by shared.query.scope; FINAL counts an
-- event that was stored twice once.
SELECT /*events*/ AS events, /*users*/ AS users, /*sessions*/ AS sessions
FROM events FINAL
WHERE /*scope*/
